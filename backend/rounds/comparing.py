"""Two rounds side by side: their snapshots and what the gate found."""

from __future__ import annotations

from pydantic import BaseModel
from sqlmodel import Session

from backend.rounds import repository, service
from backend.rounds.schemas import RoundOut
from backend.rounds.tables import Round
from backend.settings import Settings
from domain.model_figures import Figure
from domain.snapshots import Snapshot, SnapshotDifference, difference


class FiguresCompared(BaseModel):
    """One figure of the gate in both rounds; `None` where a round was not judged by it."""

    name: str
    first: Figure | None
    second: Figure | None


class RoundsCompared(BaseModel):
    """Two rounds."""

    first: RoundOut
    second: RoundOut
    counts: dict[str, tuple[int, int]]
    """Units, patients by split, and classes of both snapshots."""
    labels: SnapshotDifference | None
    """What the second snapshot has otherwise; `None` where one is not frozen."""
    same_test_set: bool
    """Only then the figures are of the same patients."""
    figures: list[FiguresCompared]


def compare_rounds(session: Session, settings: Settings, first: str, second: str) -> RoundsCompared:
    """Compare two rounds.

    Raises:
        NotFound: If one is not known.
    """
    rows = repository.get(session, first), repository.get(session, second)
    old, new = (service.out(row) for row in rows)
    counts = _counts(old), _counts(new)
    figures = [{f.name: f for f in (one.verdict.figures if one.verdict else ())} for one in (old, new)]
    return RoundsCompared(
        first=old,
        second=new,
        counts={name: (counts[0].get(name, 0), counts[1].get(name, 0)) for name in counts[0] | counts[1]},
        labels=_difference(settings, *rows),
        same_test_set=rows[0].test_set == rows[1].test_set,
        figures=[
            FiguresCompared(name=name, first=figures[0].get(name), second=figures[1].get(name))
            for name in figures[0] | figures[1]
        ],
    )


def _counts(one: RoundOut) -> dict[str, int]:
    if one.summary is None:
        return {}
    patients = {f"{split} patients": count for split, count in one.summary.patients.items()}
    return (
        {"units": one.summary.units, "adjudicated": one.summary.adjudicated} | patients | one.summary.classes
    )


def _difference(settings: Settings, *rows: Round) -> SnapshotDifference | None:
    if any(row.snapshot is None for row in rows):
        return None
    files = [service.folder_of(settings, row.id).snapshot_file for row in rows]
    older, newer = (Snapshot.read(file.read_text(encoding="utf-8")) for file in files)
    return difference(older, newer)
