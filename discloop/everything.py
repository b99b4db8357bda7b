"""Everything of a study in open formats: each table of the control plane as JSON Lines, the manifest, hashes.

Nothing that opens anything is in it: no session, no secret, no password. Slices are the store's own files.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from sqlmodel import Session, SQLModel

import backend.app  # noqa: F401  # brings every table
from backend.database import Database
from discloop.atomic import new_folder
from discloop.backup.writing import databases_of
from discloop.home import Home
from domain.errors import DiscLoopError

LEFT_OUT = ("signed_in", "spent_assertion", "job_state")
"""Sessions, and what only this process's work needs."""
CARD = """# Everything of a DiscLoop study

One file a table, one JSON object a line, UTF-8, times in UTC (ISO 8601). `revision.jsonl` is the ledger:
every revision of every reading with author, time, body (Label Studio's regions) and findings;
`assignment.jsonl` says what each reader was shown and in which arm; `audit_entry.jsonl` is the audit trail,
each entry's `hash` over the one before; `store.jsonl` is the manifest of slices. `SHA256SUMS` is checked by
`sha256sum -c`. Patients are pseudonyms; readers' names stand in `person.jsonl`.{person}

Not for clinical use.
"""


def export_everything(home: Home, out: Path, person: str | None) -> dict[str, int]:
    """Write it; how many lines each file has.

    Args:
        home: Of a stack that runs or not; what is written is one moment of its database.
        out: Absent or empty; whole or not at all.
        person: Only what names this person's id: the answer to a person who asks for their data.

    Raises:
        DiscLoopError: If there is no database, or nobody of that id.
    """
    database = Database(f"sqlite:///{databases_of(home)[0]}")
    try:
        with new_folder(out, named=str(out)) as folder, database.reading() as session:
            counts = {
                table.name: _write(folder / f"{table.name}.jsonl", _rows(session, table, person))
                for table in SQLModel.metadata.sorted_tables
                if table.name not in LEFT_OUT
            }
            if person is not None and not counts["person"]:
                raise DiscLoopError(f"--person {person}: nobody has this id; see discloop people list")
            if person is None:
                counts["store"] = _copy_manifest(home, folder / "store.jsonl")
            said = f" Only what names person `{person}`." if person else ""
            (folder / "README.md").write_text(CARD.format(person=said), encoding="utf-8")
            _write_sums(folder)
    finally:
        database.dispose()
    return counts


def _rows(session: Session, table: Table, person: str | None) -> Iterator[dict[str, Any]]:
    order = list(table.primary_key.columns)
    for row in session.connection().execute(select(table).order_by(*order)).mappings():
        if person is None or person in row.values():
            yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Times as text; text that holds JSON as what it holds."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _write(file: Path, rows: Iterator[Mapping[str, Any]]) -> int:
    count = 0
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _copy_manifest(home: Home, target: Path) -> int:
    source = home.store / "manifest.jsonl"
    if not source.is_file():
        return 0
    shutil.copyfile(source, target)
    return len(target.read_text(encoding="utf-8").splitlines())


def _write_sums(folder: Path) -> None:
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in sorted(folder.iterdir())
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
