"""Each service starts with exactly the command and environment the compose file names.

As processes: no container engine is needed. What only a container has is replaced and nothing else: a
service's name by the loopback address and its port, a volume's folder by one of the test's, `python` by the
interpreter of the environment that the image is built from.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from discloop.stack import probe
from discloop.stack.services import label_studio_python
from tests.docker import compose
from tests.docker.postgres import postgres
from tests.docker.test_compose_file import new_secrets
from tests.waiting import free_ports, until

PORTS = {"postgres": 5432, "label-studio": 8080, "backend": 8081, "trainer": 8082, "ml-backend": 9090}
FOLDERS = ("store", "keys", "weights", "rounds", "label-studio")


class Translation:
    """From the containers' names, ports and folders to this test's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.variables = new_secrets() | {
            "LABEL_STUDIO_PUBLIC_URL": f"http://127.0.0.1:{self.ports['label-studio']}",
            "DISCLOOP_PUBLIC_URL": f"http://127.0.0.1:{self.ports['backend']}",
        }
        for name in FOLDERS:
            (folder / name).mkdir()

    def environment(self, name: str) -> dict[str, str]:
        described = compose.service(name, self.variables).environment
        return {key: self._translated(key, str(value)) for key, value in described.items()}

    def command(self, name: str) -> list[str]:
        python = label_studio_python() if name == "label-studio" else Path(sys.executable)
        words = {"python": str(python), "0.0.0.0": "127.0.0.1", str(PORTS[name]): str(self.ports[name])}
        return [words.get(word, word) for word in compose.service(name, self.variables).command]

    def _translated(self, key: str, value: str) -> str:
        if key == "POSTGRE_HOST":
            return "127.0.0.1"
        if key == "POSTGRE_PORT":
            return str(self.ports["postgres"])
        for name, port in PORTS.items():
            value = re.sub(rf"(?<=[/@]){name}:{port}\b", f"127.0.0.1:{self.ports[name]}", value)
        return re.sub(r"^/data/", f"{self.folder}/", value)


@contextmanager
def running(name: str, to: Translation) -> Iterator[str]:
    """The service as a process, ready; its address."""
    address = f"http://127.0.0.1:{to.ports[name]}"
    log = to.folder / f"{name}.log"
    passed_on = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            to.command(name),
            env=passed_on | {key: str(value) for key, value in to.environment(name).items()},
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=to.folder,
        )
    try:

        def ready() -> bool:
            assert process.poll() is None, f"{name} ended: {log.read_text()[-2000:]}"
            return probe.is_ready(f"{address}/ready")

        until(ready, within_s=240, what=f"{name} ready: {log.read_text()[-2000:]}")
        yield address
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Translation]:
    translation = Translation(tmp_path_factory.mktemp("containers"))
    database = translation.folder / "postgres"
    with postgres(database, translation.ports["postgres"], translation.environment("postgres")):
        yield translation


@pytest.mark.postgres
def test_each_service_owns_its_database_and_cannot_read_the_other(to: Translation) -> None:
    def connect(user: str, database: str, password: str) -> None:
        psycopg.connect(
            host="127.0.0.1", port=to.ports["postgres"], user=user, dbname=database, password=password
        ).close()

    label_studio, backend = (to.variables[f"{n}_DATABASE_PASSWORD"] for n in ("LABEL_STUDIO", "BACKEND"))
    connect("label_studio", "label_studio", label_studio)
    connect("backend", "backend", backend)
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect("backend", "label_studio", backend)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect("backend", "backend", label_studio)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["backend", "trainer", "ml-backend"])
def test_our_services_start_as_the_compose_file_says(name: str, to: Translation) -> None:
    with running(name, to) as address:
        assert probe.ask(f"{address}/live")[0] == 200


@pytest.mark.postgres
@pytest.mark.label_studio
def test_label_studio_with_the_guard_starts_as_the_compose_file_says(to: Translation) -> None:
    with running("label-studio", to) as address:
        assert probe.ask(f"{address}/api/projects/")[0] == 401
    user = "label_studio"
    with psycopg.connect(
        host="127.0.0.1",
        port=to.ports["postgres"],
        user=user,
        dbname=user,
        password=to.variables["LABEL_STUDIO_DATABASE_PASSWORD"],
    ) as connection:
        tables = {row[0] for row in connection.execute("select tablename from pg_tables").fetchall()}
    assert "task_completion" in tables
