#!/bin/sh
# Run once by the Postgres image on an empty volume: an owner and a database for each service, which cannot
# read the other's.
set -eu
create() {
  psql --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
    --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8';
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}
create label_studio "$LABEL_STUDIO_DATABASE_PASSWORD"
create backend "$BACKEND_DATABASE_PASSWORD"
