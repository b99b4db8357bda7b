"""A home as a stack leaves it, without starting one: the backend's own database, the guard's two tables."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

from backend.audit import service as audit
from backend.clock import utc_now
from backend.database import Database
from backend.migrations.upgrade import upgrade
from discloop import credentials
from discloop.home import Home

EPOCH = uuid.UUID("3f2c9a54-6f0e-4b1d-9a51-0d8f3e6b7c21")
SLICE = b"the slice of st-0123abcd" * 5


def make_home(root: Path) -> Home:
    """With one slice, weights, a pseudonyms' key, secrets, two audit entries and an empty outbox."""
    home = Home.at(root)
    home.create()
    credentials.load_or_generate(home.secrets)
    for file, content in {
        home.store / "studies" / "st-0123abcd" / "0.png": SLICE,
        home.weights / "m-1" / "weights.pt": b"w" * 3_000_000,
        home.keys / "pseudonyms.json": b"{}",
        home.logs / "backend.log": b"a log",
    }.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _make_backend(home.backend / "backend.sqlite3")
    _make_label_studio(home.label_studio / "label_studio.sqlite3")
    return home


def _make_backend(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        audit.record(session, "person.added", subject="p-1", by=None, clock=utc_now)
        audit.record(session, "person.retired", subject="p-1", by=None, clock=utc_now)
    database.dispose()
    run(file, f"INSERT INTO outbox_cursor (id, epoch, last) VALUES (1, '{EPOCH}', 0)")


def _make_label_studio(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE django_session (session_key TEXT)")
        database.execute("CREATE TABLE label_studio_guard_outboxstate (id INT, epoch CHAR(32), last BIGINT)")
        database.execute("INSERT INTO label_studio_guard_outboxstate VALUES (1, ?, 0)", (EPOCH.hex,))
        database.execute("INSERT INTO django_session VALUES ('somebody')")


def run(file: Path, statement: str) -> list[tuple[object, ...]]:
    """One statement in a transaction of its own."""
    with closing(sqlite3.connect(file, timeout=30)) as database, database:
        return database.execute(statement).fetchall()
