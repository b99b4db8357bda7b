"""A database of every older migration, with a row in each of its tables: the newest holds all of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    insert,
    select,
)

import backend.migrations
from backend.database import Database
from backend.migrations.upgrade import config_of
from tests.backend.conftest import of_database

SCRIPTS = ScriptDirectory(str(Path(backend.migrations.__file__).parent))
OLDER = sorted(script.revision for script in SCRIPTS.walk_revisions() if not script.is_head)
NOT_KEPT = {"alembic_version"}
VALUES: list[tuple[type, Any]] = [
    (Boolean, True),
    (Integer, 1),
    (Float, 0.5),
    (DateTime, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (LargeBinary, b"kept"),
]
"""Of everything else `{}`, which is text and JSON."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'older.sqlite3'}")
        yield database
        database.dispose()
        return
    address: str = request.getfixturevalue("postgres_address")
    name = f"older_{secrets.token_hex(6)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    database = Database(of_database(address, name))
    yield database
    database.dispose()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def value_of(column: Column[Any]) -> Any:
    """Something the column takes; the same in every row that refers to it."""
    return next((value for kind, value in VALUES if isinstance(column.type, kind)), "{}")


def tables_of(connection: Connection) -> list[Table]:
    """Every table that is there now, those that others refer to first."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in NOT_KEPT]


def rows_of(connection: Connection, tables: list[Table]) -> dict[str, list[dict[str, Any]]]:
    """What tables hold, by the columns that they have here."""
    return {table.name: [dict(row._mapping) for row in connection.execute(select(table))] for table in tables}


@pytest.mark.parametrize("revision", OLDER)
def test_nothing_that_an_older_database_held_is_lost(empty: Database, revision: str) -> None:
    command.upgrade(config_of(empty), revision)
    with empty.writing() as session:
        tables = tables_of(session.connection())
        for table in tables:
            session.connection().execute(insert(table).values({c.name: value_of(c) for c in table.columns}))
        before = rows_of(session.connection(), tables)
    command.upgrade(config_of(empty), "head")
    with empty.reading() as session:
        after = rows_of(session.connection(), tables)
        newest = tables_of(session.connection())
    assert [name for name, rows in before.items() if len(rows) != 1] == []
    assert after == before
    assert {table.name for table in tables} <= {table.name for table in newest}
