#!/bin/sh
# Prints generated secrets for docker-compose.yml: sh docker/new-secrets.sh > .env && chmod 600 .env
set -eu
hex() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
for name in POSTGRES_PASSWORD LABEL_STUDIO_DATABASE_PASSWORD BACKEND_DATABASE_PASSWORD \
  DISCLOOP_GUARD_SECRET DISCLOOP_ASSERTION_KEY DISCLOOP_API_TOKEN DISCLOOP_ML_PASSWORD \
  LABEL_STUDIO_SECRET_KEY; do
  echo "$name=$(hex 32)"
done
# Label Studio's tokens are 40 hexadecimal digits.
echo "DISCLOOP_SERVICE_TOKEN=$(hex 20)"
cat <<'NAMES'
# Where browsers reach the two pages; behind the proxy, https.
LABEL_STUDIO_PUBLIC_URL=https://read.example.org
DISCLOOP_PUBLIC_URL=https://loop.example.org
NAMES
