"""A home of an older DiscLoop: nothing is migrated without a backup, nothing it held is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alembic import command

from backend.database import Database
from backend.migrations.upgrade import config_of
from discloop import cli
from discloop.backup.restoring import restore
from discloop.home import Home
from discloop.stack.versions import STAMP, newest_migration
from label_studio_guard import LABEL_STUDIO
from tests.discloop.backup.homes import make_home, run
from tests.label_studio import migrated_template
from tests.waiting import free_ports

OLDER = "0002"
AUDIT = "SELECT id, action, subject, hash FROM audit_entry ORDER BY id"
LEDGER = "SELECT epoch, outbox_id, sha256 FROM revision ORDER BY id"
READING = (
    "INSERT INTO revision (epoch, outbox_id, event, annotation, at, cancelled, sha256, state, received_at) "
    "VALUES ('e', 1, 'created', 7, '2026-01-01', 0, 'abc', 'signed', '2026-01-01')"
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With a reading and an audit trail, on an older migration."""
    made = make_home(tmp_path / "home")
    file = made.backend / "backend.sqlite3"
    trail = run(file, "SELECT * FROM audit_entry ORDER BY id")
    file.unlink()
    database = Database(f"sqlite:///{file}")
    command.upgrade(config_of(database), OLDER)
    database.dispose()
    for row in trail:
        run(file, f"INSERT INTO audit_entry VALUES {row!r}")
    run(file, READING)
    return made


PERSON = "SELECT id, user, role, active FROM label_studio_guard_person"
OUTBOX = "SELECT id, event, annotation, author, result, sha256 FROM label_studio_guard_outboxentry"


def older_guard(file: Path) -> None:
    """The guard's tables as its first migration made them, with a person and a reading."""
    for statement in (
        "ALTER TABLE label_studio_guard_person DROP COLUMN must_choose_password",
        "DROP TABLE label_studio_guard_access",
        "DELETE FROM django_migrations WHERE app = 'label_studio_guard' AND name > '0001_initial'",
        "INSERT INTO label_studio_guard_person (id, user, role, active) VALUES ('p-1', 5, 'reader', 1)",
        "INSERT INTO label_studio_guard_outboxentry (id, event, annotation, uid, task_key, project_key, "
        "author, at, cancelled, result, sha256) "
        "VALUES (1, 'created', 7, 'u', 'k', 'reading-p-1-sagittal', 'p-1', '2026-01-01', 0, '[]', 'abc')",
    ):
        run(file, statement)


def up(home: Home) -> int:
    names = ("--port-label-studio", "--port-backend", "--port-ml")
    ports = [text for name, port in zip(names, free_ports(3), strict=True) for text in (name, str(port))]
    return cli.run(["up", "--home", str(home.root), *ports])


def interpreter(folder: Path, version: str, migrating: str) -> str:
    """A stand-in for Label Studio's Python: says a version, and migrates as told."""
    script = folder / "python"
    asked = json.dumps([version, ["opencv-python-headless"]])
    script.write_text(f"#!/bin/sh\ncase $2 in -c) echo '{asked}' ;; *) {migrating} ;; esac\n")
    script.chmod(0o755)
    return str(script)


@pytest.mark.label_studio
def test_nothing_is_lost_and_the_way_back_is_there(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home.label_studio / "label_studio.sqlite3").unlink()
    shutil.copytree(migrated_template(), home.label_studio, dirs_exist_ok=True)
    file, guarded = home.backend / "backend.sqlite3", home.label_studio / "label_studio.sqlite3"
    older_guard(guarded)
    audit, ledger = run(file, AUDIT), run(file, LEDGER)
    people, outbox = run(guarded, PERSON), run(guarded, OUTBOX)
    assert (len(people), len(outbox)) == (1, 1)
    assert up(home) == 2
    assert f"discloop upgrade --home {home.root}" in capsys.readouterr().err

    words = ["upgrade", "--home", str(home.root), "--backup", str(tmp_path / "before"), "--json"]
    assert cli.run(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["upgraded"], said["to"]) == (True, newest_migration())
    assert run(file, LEDGER) == ledger
    assert (run(guarded, PERSON), run(guarded, OUTBOX)) == (people, outbox)
    assert run(guarded, "SELECT must_choose_password FROM label_studio_guard_person") == [(0,)]
    assert run(file, AUDIT)[:-1] == audit
    assert run(file, AUDIT)[-1][1] == "home.upgraded"
    assert json.loads((home.root / STAMP).read_text())["label_studio"] == LABEL_STUDIO

    assert cli.run([*words[:-3], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["upgraded"] is False
    back = Home(tmp_path / "back")
    restore(tmp_path / "before", back, None)
    assert run(back.backend / "backend.sqlite3", LEDGER) == ledger
    assert run(back.backend / "backend.sqlite3", "SELECT version_num FROM alembic_version") == [
        (said["from"],)
    ]


def test_an_untested_label_studio_is_refused_before_anything_is_touched(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISCLOOP_LABEL_STUDIO_PYTHON", interpreter(tmp_path, "1.99.0", "exit 0"))
    assert cli.run(["upgrade", "--home", str(home.root)]) == 2
    said = capsys.readouterr().err
    assert "1.99.0" in said
    assert f"label-studio=={LABEL_STUDIO}" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "python"]


def test_a_migration_that_fails_names_the_backup(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = interpreter(tmp_path, LABEL_STUDIO, "echo no such column >&2; exit 1")
    monkeypatch.setenv("DISCLOOP_LABEL_STUDIO_PYTHON", failing)
    assert cli.run(["upgrade", "--home", str(home.root), "--backup", str(tmp_path / "b")]) == 2
    said = capsys.readouterr().err
    assert "no such column" in said
    assert f"discloop restore {tmp_path / 'b'}" in said
    assert (tmp_path / "b" / "manifest.json").exists()
    assert not (home.root / STAMP).exists()


@pytest.mark.parametrize("start", ["up", "upgrade"])
def test_a_newer_home_is_refused(home: Home, capsys: pytest.CaptureFixture[str], start: str) -> None:
    run(home.backend / "backend.sqlite3", "UPDATE alembic_version SET version_num = '9999'")
    assert (up(home) if start == "up" else cli.run(["upgrade", "--home", str(home.root)])) == 2
    assert "a newer DiscLoop wrote it" in capsys.readouterr().err
