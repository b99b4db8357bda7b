"""What a home can do without: the insides of rounds that are over, and the older half of large logs.

Never removed is what somebody may have to show: snapshots, evaluations, evidence, progress, logs of rounds,
the networks that served (`weights/`), slices, readings, the audit trail.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlmodel import col, select

from backend.database import Database
from backend.rounds.folders import RoundFolder
from backend.rounds.tables import Round
from discloop.backup.writing import databases_of
from discloop.home import Home
from domain.rounds import RoundState

OVER = (RoundState.FAILED, RoundState.CANCELLED, RoundState.PROMOTED, RoundState.ROLLED_BACK)
"""A passed round may still be promoted, and a held one looked into: both keep their networks."""
KEPT_OF_TRAINING = ("progress.jsonl",)


@dataclass(frozen=True)
class Item:
    """Something that can go."""

    path: Path
    bytes: int
    why: str


def removable(home: Home, *, older_than: timedelta, largest_log_bytes: int, now: datetime) -> list[Item]:
    """Everything that can go now.

    Args:
        home: Of a stack that runs or not.
        older_than: Rounds that ended longer ago than this.
        largest_log_bytes: A log larger than this loses its older half.
        now: Aware.
    """
    return [*_rounds(home, now - older_than), *_logs(home, largest_log_bytes)]


def remove(home: Home, items: list[Item]) -> None:
    """Remove them. A log is shortened in place: its process writes on at its end."""
    for item in items:
        if item.path.parent == home.logs:
            _keep_newer_half(item.path)
        elif item.path.is_dir():
            shutil.rmtree(item.path)
        else:
            item.path.unlink(missing_ok=True)


def _rounds(home: Home, before: datetime) -> Iterator[Item]:
    for row in _ended(home):
        if row.ended_at is None or row.ended_at >= before:
            continue
        training = RoundFolder(home.rounds / row.id).training
        for path in sorted(training.glob("*")):
            if path.name not in KEPT_OF_TRAINING:
                yield Item(
                    path, _size(path), f"round {row.id} is {row.state.value} since {row.ended_at:%Y-%m-%d}"
                )


def _ended(home: Home) -> list[Round]:
    database = Database(f"sqlite:///{databases_of(home)[0]}")
    try:
        with database.reading() as session:
            return list(session.exec(select(Round).where(col(Round.state).in_(OVER)).order_by(Round.id)))
    finally:
        database.dispose()


def _logs(home: Home, largest: int) -> Iterator[Item]:
    for file in sorted(home.logs.glob("*.log")):
        size = file.stat().st_size
        if size > largest:
            yield Item(file, size // 2, f"a log of more than {largest / 1e6:.0f} MB loses its older half")


def _keep_newer_half(log: Path) -> None:
    """The services open their logs for appending, so what is written meanwhile lands behind this."""
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.readline()
        newer = file.read()
        file.seek(0)
        file.truncate()
        file.write(newer)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size
