"""The gallery of disagreements: both readings of a unit on one of its slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session

from backend.adjudications.tables import Adjudication
from backend.comparisons import repository as comparisons
from backend.comparisons.tables import ComparisonRecord
from backend.errors import NotFound
from backend.people.tables import Person
from backend.projects.tables import Project
from backend.studies import repository as studies
from backend.studies.tables import Unit
from domain.boxes import Box
from domain.disagreements import Comparison
from domain.findings import Disc, Findings
from domain.taxonomy import DisagreementKind, Plane

PAGE = 12
"""Units on a page."""


@dataclass(frozen=True)
class Marked:
    """One box of a reading."""

    kind: str
    box: Box
    words: str


@dataclass(frozen=True)
class Case:
    """A unit in the gallery; readers are Reader 1 and Reader 2, as the adjudicator knows them."""

    unit: str
    number: int
    """Its place on the adjudicator's list."""
    plane: Plane
    severity: float
    kinds: tuple[str, ...]
    decided_at: datetime | None
    project: int | None
    task: int | None
    address: str
    slice: int
    """From 1."""
    width: int
    height: int
    readings: tuple[tuple[Marked, ...], tuple[Marked, ...]]


def case(
    session: Session, row: Adjudication, _person: Person, project: Project, record: ComparisonRecord
) -> Case:
    """One unit with both readings, drawn on the slice that holds most of their boxes."""
    first, second, _comparison = comparisons.two_readings(session, record)
    readings = (second, first) if row.reader_1 == record.second else (first, second)
    series = studies.series(session, session.get_one(Unit, row.unit))
    number = _busiest(readings, series.midline)
    shown = series.slices[number]
    return Case(
        unit=row.unit,
        number=row.position,
        plane=row.plane,
        severity=row.severity,
        kinds=tuple(kind.value.replace("_", " ") for kind in sorted(_kinds(record))),
        decided_at=row.decided_at,
        project=project.label_studio_id,
        task=row.task,
        address=f"/adjudications/slices/{row.key}/{number}",
        slice=number + 1,
        width=shown.width,
        height=shown.height,
        readings=(_marked(readings[0], number), _marked(readings[1], number)),
    )


def slice_file(session: Session, store: Path, row: Adjudication, number: int) -> Path:
    """The displayed slice of an adjudicated unit.

    Raises:
        NotFound: If there is no such slice, or its file is not in the store.
    """
    slices = studies.series(session, session.get_one(Unit, row.unit)).slices
    if number >= len(slices):
        raise NotFound("no such slice")
    path = (store / slices[number].path).resolve()
    if not path.is_relative_to(store.resolve()) or not path.is_file():
        raise NotFound("no such slice")
    return path


def _kinds(record: ComparisonRecord) -> set[DisagreementKind]:
    return {one.kind for one in Comparison.model_validate_json(record.body).disagreements}


def _busiest(readings: Sequence[Findings], midline: int) -> int:
    boxes = Counter(
        one.slice
        for reading in readings
        for finding in (*reading.discs, *reading.herniations, *reading.hiz)
        for one in finding.boxes
    )
    return max(boxes, key=lambda number: (boxes[number], -abs(number - midline)), default=midline)


def _marked(reading: Findings, number: int) -> tuple[Marked, ...]:
    discs = [("disc", disc.boxes, _words(disc)) for disc in reading.discs]
    herniations = [("herniation", one.boxes, "herniation") for one in reading.herniations]
    zones = [("hiz", one.boxes, "HIZ") for one in reading.hiz]
    return tuple(
        Marked(kind, one.box, words)
        for kind, boxes, words in (*discs, *herniations, *zones)
        for one in boxes
        if one.slice == number
    )


def _words(disc: Disc) -> str:
    grade = "not gradable" if disc.not_gradable else f"grade {disc.pfirrmann}" if disc.pfirrmann else ""
    return " ".join(part for part in (disc.level or "", grade) if part)
