"""A backup is one moment, whole, sealed where asked, and refused where it was changed."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from discloop import cli, maintenance
from discloop.backup.restoring import read_contents, restore
from discloop.backup.writing import back_up
from discloop.home import Home
from domain.errors import DiscLoopError
from tests.discloop.backup.homes import EPOCH, SLICE, make_home, run

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CUTS = 12


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("template") / "home").root


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Home:
    return Home(shutil.copytree(template, tmp_path / "home"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize("key", [None, KEY])
def test_what_is_restored_is_what_was_there(home: Home, tmp_path: Path, key: bytes | None) -> None:
    back_up(home, tmp_path / "backup", key)
    again = Home(tmp_path / "again")
    restore(tmp_path / "backup", again, key)
    before, after = files_of(home.root), files_of(again.root)
    changed = {name for name in before if ".sqlite3" in name} | {"logs/backend.log", maintenance.LOCK}
    assert {name: after.get(name) for name in set(before) - changed} == {
        name: before[name] for name in set(before) - changed
    }
    assert "logs/backend.log" not in after
    assert stat.S_IMODE(again.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(again.secrets.stat().st_mode) == 0o600


def test_a_sealed_backup_says_nothing_to_who_has_no_key(home: Home, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup", KEY)
    written = files_of(tmp_path / "backup")
    said = "".join(written).encode() + b"".join(written.values())
    assert [
        word for word in (SLICE, b"st-0123abcd", b"pseudonyms", b"SQLite", b"person.added") if word in said
    ] == []


def test_a_restore_is_a_new_beginning(home: Home, tmp_path: Path) -> None:
    run(home.backend / "backend.sqlite3", "UPDATE outbox_cursor SET last = 7")
    run(home.label_studio / "label_studio.sqlite3", "UPDATE label_studio_guard_outboxstate SET last = 9")
    contents = back_up(home, tmp_path / "backup", None)
    assert (contents.position.ledger_last, contents.position.outbox_last) == (7, 9)
    again = Home(tmp_path / "again")
    _, epoch = restore(tmp_path / "backup", again, None)
    assert epoch not in (None, str(EPOCH))
    backend, label_studio = again.backend / "backend.sqlite3", again.label_studio / "label_studio.sqlite3"
    assert run(backend, "SELECT epoch, last FROM outbox_cursor") == [(epoch, 7)]
    state = run(label_studio, "SELECT epoch, last FROM label_studio_guard_outboxstate")
    assert state == [(str(epoch).replace("-", ""), 9)]
    assert run(label_studio, "SELECT * FROM django_session") == []
    acts = [row[0] for row in run(backend, "SELECT action FROM audit_entry ORDER BY id")]
    assert acts == ["person.added", "person.retired", "home.restored"]


def test_every_cut_is_one_moment_of_both_databases(home: Home, tmp_path: Path) -> None:
    """Readers write the outbox, the backend follows it: no cut may show a ledger that is ahead."""
    backend, label_studio = home.backend / "backend.sqlite3", home.label_studio / "label_studio.sqlite3"
    enough = threading.Event()

    def read() -> None:
        while not enough.is_set():
            run(label_studio, "UPDATE label_studio_guard_outboxstate SET last = last + 1")

    def follow() -> None:
        while not enough.is_set():
            last = run(label_studio, "SELECT last FROM label_studio_guard_outboxstate")[0][0]
            run(backend, f"UPDATE outbox_cursor SET last = {last}")

    people = [threading.Thread(target=read), threading.Thread(target=follow)]
    for one in people:
        one.start()
    try:
        cuts = [back_up(home, tmp_path / f"backup-{n}", None).position for n in range(CUTS)]
    finally:
        enough.set()
        for one in people:
            one.join()
    assert [cut for cut in cuts if cut.ledger_last > cut.outbox_last] == []
    assert cuts[-1].outbox_last > cuts[0].outbox_last


def _flip(backup: Path) -> None:
    file = max((backup / "files").rglob("*"), key=lambda f: f.stat().st_size if f.is_file() else 0)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _lose(backup: Path) -> None:
    next(f for f in (backup / "files").rglob("*") if f.is_file()).unlink()


def _cut_short(backup: Path) -> None:
    file = max((backup / "files").rglob("*"), key=lambda f: f.stat().st_size if f.is_file() else 0)
    os.truncate(file, 16 + (1 << 20) + 16)


def _swap(backup: Path) -> None:
    first, second, *_ = sorted(f for f in (backup / "files").rglob("*") if f.is_file())
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("damage", [_flip, _lose, _cut_short, _swap])
def test_a_changed_backup_is_refused_whole(
    home: Home, tmp_path: Path, damage: object, key: bytes | None
) -> None:
    back_up(home, tmp_path / "backup", key)
    assert callable(damage)
    damage(tmp_path / "backup")
    with pytest.raises(DiscLoopError, match="damaged"):
        restore(tmp_path / "backup", Home(tmp_path / "again"), key)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "home"]


def test_an_audit_trail_that_was_cut_is_noticed(home: Home, tmp_path: Path) -> None:
    """Its chain alone cannot tell that its end is missing; the manifest's head can."""
    back_up(home, tmp_path / "backup", None)
    file = tmp_path / "backup" / "manifest.json"
    said = json.loads(file.read_text())
    said["position"]["audit_head"] = "1" * 64
    file.write_text(json.dumps(said))
    with pytest.raises(DiscLoopError, match="not the one the backup's manifest names"):
        restore(tmp_path / "backup", Home(tmp_path / "again"), None)


@pytest.mark.parametrize("path", ["../outside", "/etc/outside", "a/../../outside", "a//b", "."])
def test_a_manifest_leads_nowhere_outside(home: Home, tmp_path: Path, path: str) -> None:
    back_up(home, tmp_path / "backup", None)
    file = tmp_path / "backup" / "manifest.json"
    said = json.loads(file.read_text())
    said["files"][0]["path"] = path
    file.write_text(json.dumps(said))
    with pytest.raises(DiscLoopError, match=r"files\.0\.path"):
        read_contents(tmp_path / "backup", None)


def test_a_failed_backup_leaves_nothing_and_a_killed_one_is_cleared_away(home: Home, tmp_path: Path) -> None:
    os.mkfifo(home.rounds / "pipe")
    with pytest.raises(DiscLoopError, match="pipe: expected a file"):
        back_up(home, tmp_path / "backup", None)
    assert not (tmp_path / "backup").exists()
    assert not [path for path in (*tmp_path.iterdir(), *home.root.iterdir()) if path.name.startswith(".")]
    (home.rounds / "pipe").unlink()
    for left in (tmp_path / ".backup.partial" / "files", home.root / ".backup"):
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"half")
    back_up(home, tmp_path / "backup", None)
    assert "files/half" not in files_of(tmp_path / "backup")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backup", "{}"], "expected an absent or empty folder"),
        (["backup", "{home}/inside"], "inside of its own home"),
        (["backup", "{}/b", "--home", "{}/nothing"], "no such folder"),
        (["backup", "{}/b", "--key", "{home}/keys/pseudonyms.json"], "expected 64 hexadecimal digits"),
        (["restore", "{}/home"], "expected a backup"),
        (["restore", "{}/sealed", "--home", "{}/x"], "is sealed"),
        (["restore", "{}/sealed", "--home", "{}/x", "--key", "{}/other"], "another key"),
        (["restore", "{}/sealed", "--home", "{}/home", "--key", "{}/key"], "absent or empty"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    back_up(home, tmp_path / "sealed", KEY)
    (tmp_path / "key").write_text(KEY.hex())
    (tmp_path / "other").write_text(OTHER_KEY.hex())
    there = [word.format(tmp_path, home=home.root) for word in words]
    there += [] if "--home" in words else ["--home", str(home.root)]
    before = files_of(tmp_path)
    assert cli.run(there) == 2
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert message in said.err
    assert set(files_of(tmp_path)) - {f"home/{maintenance.LOCK}"} == set(before) - {
        f"home/{maintenance.LOCK}"
    }


def test_the_commands_say_where_the_loop_stood(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["backup", str(tmp_path / "b"), "--home", str(home.root), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    shutil.rmtree(home.root)
    assert cli.run(["restore", str(tmp_path / "b"), "--home", str(home.root), "--json"]) == 0
    brought = json.loads(capsys.readouterr().out)
    assert (made["sealed"], brought["audit_head"]) == (False, made["audit_head"])
    assert brought["epoch"] != made["epoch"]
