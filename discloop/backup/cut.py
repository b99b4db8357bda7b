"""Both databases as they were at one moment, copied while people go on reading.

Writers of both are held back for the few milliseconds in which a read transaction is opened on each; the
copies are then taken from those two transactions, while writers write on. So the pair is what a power cut
would have left, which every service is built to go on from: the ledger is a prefix of the outbox, and no
number of the one is missing in the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from domain.errors import DiscLoopError

PATIENCE_SECONDS = 20.0


def copy(databases: Sequence[Path], into: Sequence[Path]) -> None:
    """Copy each database to its file, all as of one moment. A copy is one file, without a log beside it.

    Raises:
        DiscLoopError: If a database cannot be read, is held too long by a writer, or is damaged.
    """
    try:
        with ExitStack() as stack:
            readers = [stack.enter_context(closing(connect(file))) for file in databases]
            _pin(databases, readers)
            for reader, target in zip(readers, into, strict=True):
                _copy(reader, target)
    except sqlite3.Error as error:
        named = ", ".join(file.name for file in databases)
        raise DiscLoopError(f"{named}: cannot be copied ({error})") from error


def connect(file: Path) -> sqlite3.Connection:
    """A connection that begins its transactions itself; never makes a new database."""
    return sqlite3.connect(
        f"{file.as_uri()}?mode=rw", uri=True, timeout=PATIENCE_SECONDS, isolation_level=None
    )


def _pin(databases: Sequence[Path], readers: Sequence[sqlite3.Connection]) -> None:
    """Open a read transaction on each while nobody writes to any."""
    with ExitStack() as stack:
        for file in databases:
            stack.enter_context(closing(connect(file))).execute("BEGIN IMMEDIATE")
        for reader in readers:
            reader.execute("BEGIN")
            # A transaction begins to see with its first read.
            reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def _copy(reader: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target, isolation_level=None)) as copied:
        reader.backup(copied)
        copied.execute("PRAGMA journal_mode=DELETE")
        check(copied, target.name)


def check(database: sqlite3.Connection, name: str) -> None:
    """Raise where SQLite finds a database damaged."""
    said = [row[0] for row in database.execute("PRAGMA integrity_check")]
    if said != ["ok"]:
        raise DiscLoopError(f"{name}: is damaged: {said[0]}")
