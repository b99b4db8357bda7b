"""Both databases keep the same promises."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

import backend
from backend.audit.tables import AuditEntry
from backend.database import Database, UtcDateTime
from backend.jobs.tables import JobState
from backend.migrations.upgrade import config_of
from domain.errors import DiscLoopError

MOMENT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2)))


def test_migrations_give_what_the_tables_say(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_migrations_are_one_line(database: Database) -> None:
    assert len(ScriptDirectory.from_config(config_of(database)).get_heads()) == 1
    command.upgrade(config_of(database), "head")


def test_moments_are_aware_and_utc(database: Database) -> None:
    with database.writing() as session:
        session.add(JobState(name="a", ran_at=MOMENT))
    with database.reading() as session:
        read = session.get_one(JobState, "a").ran_at
    assert read == MOMENT
    assert read is not None
    assert read.tzinfo is UTC


def test_refuses_naive_moments() -> None:
    with pytest.raises(ValueError, match="aware"):
        UtcDateTime().process_bind_param(MOMENT.replace(tzinfo=None), None)  # type: ignore[arg-type]


def test_an_error_keeps_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as session:
            session.add(JobState(name="a"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.reading() as session:
        assert session.get(JobState, "a") is None


def test_reading_keeps_nothing(database: Database) -> None:
    with database.reading() as session:
        session.add(JobState(name="a"))
        session.flush()
    with database.reading() as session:
        assert session.get(JobState, "a") is None


def test_writers_exclude_each_other(database: Database) -> None:
    with database.writing() as session:
        session.add(JobState(name="a"))
    start = threading.Barrier(4)

    def add() -> None:
        start.wait()
        for _ in range(25):
            with database.writing() as session:
                row = session.get_one(JobState, "a")
                row.failures = row.failures + 1

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get_one(JobState, "a").failures == 100


@pytest.mark.parametrize("table", ["audit_entry", "revision"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id + 1", "DELETE FROM {}"])
def test_append_only_tables_refuse_change(database: Database, table: str, statement: str) -> None:
    with database.writing() as session:
        session.connection().execute(text(_a_row(table)))
    with pytest.raises(DBAPIError, match="append-only"), database.writing() as session:
        session.connection().execute(text(statement.format(table)))


def _a_row(table: str) -> str:
    if table == "audit_entry":
        return (
            f"INSERT INTO {AuditEntry.__tablename__} (at, actor, action, subject, details, previous, hash) "
            "VALUES ('2026-11-21 10:00:00', 'a', 'a', 'a', '{}', '0', '1')"
        )
    return (
        "INSERT INTO revision (epoch, outbox_id, event, annotation, at, cancelled, state, received_at) "
        "VALUES ('e', 1, 'created', 1, '2026-11-21 10:00:00', false, 'signed', '2026-11-21 10:00:00')"
    )


def test_refuses_other_databases() -> None:
    with pytest.raises(DiscLoopError, match="DISCLOOP_DATABASE_URL"):
        Database("mysql://somewhere/x")
    with pytest.raises(DiscLoopError, match="a file is expected"):
        Database("sqlite:///:memory:")


def test_only_the_boundary_commits() -> None:
    package = Path(backend.__file__).parent
    sources = [path for path in package.rglob("*.py") if "migrations" not in path.parts]
    committing = [
        path.name for path in sources if re.search(r"\.commit\(|session\.begin\(", path.read_text())
    ]
    assert committing == ["database.py"]
