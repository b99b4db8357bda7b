"""Pruning makes room; what somebody may have to show stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.database import Database
from backend.rounds.tables import Round
from discloop import cli
from discloop.home import Home
from domain.rounds import RoundState
from tests.discloop.backup.homes import make_home

DAYS = {"r-old-failed": 200, "r-new-failed": 5, "r-promoted": 200, "r-passed": 200, "r-held": 200}
STATES = {
    "r-old-failed": RoundState.FAILED,
    "r-new-failed": RoundState.FAILED,
    "r-promoted": RoundState.PROMOTED,
    "r-passed": RoundState.PASSED,
    "r-held": RoundState.HELD,
}
EVIDENCE = (
    "snapshot/snapshot.json",
    "evidence.json",
    "evaluation/first.json",
    "train.log",
    "training/progress.jsonl",
)
INSIDES = ("training/weights/weights.pt", "training/checkpoint.pt")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = make_home(tmp_path / "home")
    database = Database(f"sqlite:///{made.backend / 'backend.sqlite3'}")
    now = datetime.now(UTC)
    with database.writing() as session:
        for name, days in DAYS.items():
            session.add(
                Round(
                    id=name, state=STATES[name], why="due", seed=1, policy="{}", planned_at=now,
                    planned_by="p-1", ended_at=now - timedelta(days=days),
                )
            )  # fmt: skip
            for file in (*EVIDENCE, *INSIDES):
                (made.rounds / name / file).parent.mkdir(parents=True, exist_ok=True)
                (made.rounds / name / file).write_bytes(b"x" * 1000)
    database.dispose()
    return made


def prune(home: Home, *options: str) -> int:
    return cli.run(["prune", "--home", str(home.root), *options])


def test_only_the_insides_of_old_rounds_that_are_over_go(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    def files() -> set[str]:
        return {str(f.relative_to(home.root)) for f in home.root.rglob("*") if f.is_file()}

    before = files()
    assert prune(home, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert files() - {"maintenance.lock"} == before
    assert (said["removed"], said["bytes"]) == (False, 4000)
    assert prune(home, "--yes", "--json") == 0
    gone = {f"rounds/{name}/{file}" for name in ("r-old-failed", "r-promoted") for file in INSIDES}
    assert before - files() == gone


def test_a_large_log_loses_its_older_half_while_it_is_written(home: Home) -> None:
    log = home.logs / "backend.log"
    lines = [f'{{"number": {n}, "event": "{"e" * 80}"}}\n' for n in range(20_000)]
    log.write_text("".join(lines))
    with log.open("ab") as service:
        assert prune(home, "--yes", "--log-mb", "1") == 0
        service.write(b'{"number": "last"}\n')
    kept = log.read_text().splitlines(keepends=True)
    assert kept[:-1] == lines[-len(kept) + 1 :]
    assert 9_000 < len(kept) < 11_000


def test_a_home_without_a_database_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "home").mkdir()
    assert prune(Home(tmp_path / "home")) == 2
    assert "no such database" in capsys.readouterr().err
