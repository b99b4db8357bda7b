"""Everything in open formats: complete, nothing that opens anything, a person's own data on request."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from backend.audit.service import seal
from backend.audit.tables import AuditEntry
from discloop import cli
from discloop.everything import LEFT_OUT
from discloop.home import Home
from tests.discloop.backup.homes import make_home, run

REVISION = (
    "INSERT INTO revision "
    "(epoch, outbox_id, event, annotation, author, at, cancelled, body, state, received_at) VALUES "
    "('e', {0}, 'created', 7, '{1}', '2026-01-01', 0, '[{{\"id\": \"=1+1\"}}]', 'signed', '2026-01-01')"
)
PERSON = "INSERT INTO person ({}) VALUES ({})"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "home")
    file = made.backend / "backend.sqlite3"
    for number, person in enumerate(("p-1", "p-2"), start=1):
        columns = run(file, "SELECT name, type FROM pragma_table_info('person') WHERE \"notnull\" OR pk")
        values = [f"'{person}'" if name == "id" else _some(str(name), str(kind)) for name, kind in columns]
        run(
            file,
            PERSON.format(", ".join(str(name) for name, _ in columns), ", ".join(values)).replace(
                "@", person
            ),
        )
        run(file, REVISION.format(number, person))
    (made.store / "manifest.jsonl").write_text('{"study": "st-1"}\n')
    return made


def _some(name: str, kind: str) -> str:
    if "INT" in kind or "BOOL" in kind:
        return "1"
    return {"role": "'reader'"}.get(name, "'2026-01-01'" if "DATE" in kind else "'@-example'")


def lines(folder: Path, table: str) -> list[dict[str, Any]]:
    text = (folder / f"{table}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_table_is_there_and_the_audit_trail_can_be_followed(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert cli.run(["export", "everything", str(out), "--home", str(home.root), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    tables = {table.name for table in SQLModel.metadata.sorted_tables} - set(LEFT_OUT)
    assert set(said["lines"]) == tables | {"store"}
    assert [row["body"] for row in lines(out, "revision")] == [[{"id": "=1+1"}]] * 2
    previous = "0" * 64
    for row in lines(out, "audit_entry"):
        entry = AuditEntry.model_validate(
            row | {"details": json.dumps(row["details"], separators=(",", ":"))}
        )
        assert (entry.previous, entry.hash) == (previous, seal(entry))
        previous = entry.hash
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_nothing_in_it_opens_anything(home: Home, tmp_path: Path) -> None:
    run(
        home.backend / "backend.sqlite3",
        "INSERT INTO signed_in VALUES ('hash','p-1','csrf-x','2026-01-01','2026-01-01',NULL)",
    )
    out = tmp_path / "out"
    assert cli.run(["export", "everything", str(out), "--home", str(home.root)]) == 0
    written = b"".join(file.read_bytes() for file in out.iterdir())
    secrets = json.loads(home.secrets.read_text())
    assert [
        name for name, value in secrets.items() if isinstance(value, str) and value.encode() in written
    ] == []
    assert b"csrf-x" not in written


def test_a_person_gets_what_names_them_and_nothing_of_others(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ["export", "everything", str(out), "--home", str(home.root), "--person", "p-1"]
    assert cli.run(words) == 0
    assert [row["author"] for row in lines(out, "revision")] == ["p-1"]
    assert [row["subject"] for row in lines(out, "audit_entry")] == ["p-1", "p-1"]
    assert "p-2" not in "".join(file.read_text() for file in out.iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["everything", "{}/out", "--person", "p-9"], "nobody has this id"),
        (["everything", "{}"], "absent or empty"),
        (["csv", "{}/out", "--person", "p-1"], "only with everything"),
    ],
)
def test_wrong_input_leaves_nothing(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    there = [word.format(tmp_path) for word in words]
    assert cli.run(["export", *there, "--home", str(home.root)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
