"""The discs that two readers read, side by side, as agreement counts them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from backend.agreement.repository import Compared, Signed
from domain.disagreements import Comparison, Subject
from domain.findings import Disc, Findings, SliceBox
from domain.manifest import Series
from domain.matching import match_discs
from domain.taxonomy import GRADES, Arm, Level, Plane

NOT_GRADABLE, MISSING = "not-gradable", "missing"
ANSWERS = (*(str(grade) for grade in GRADES), NOT_GRADABLE, MISSING)
"""What a reader can say of a disc's grade, in the order of the report's table with missing discs."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one reader says of one disc."""

    reader: str
    answer: str
    """One of `ANSWERS`."""
    level: Level | None
    herniation: bool
    hiz: bool
    box: SliceBox | None
    """`None` where the reader did not box the disc."""


@dataclass(frozen=True, slots=True)
class ReadDisc:
    """One disc; the sides are in the order of the readers' ids, as in the report's table."""

    study: str
    position: int
    arm: Arm
    is_random: bool
    revision: int
    """Names the reading by which the pages address the slices."""
    width: int
    height: int
    sides: tuple[Side, Side]

    @property
    def readers(self) -> tuple[str, str]:
        """Who read it, in order."""
        return self.sides[0].reader, self.sides[1].reader

    @property
    def answers(self) -> tuple[str, str]:
        """The cell of the table that it is counted in."""
        return self.sides[0].answer, self.sides[1].answer


def answer_of(disc: Disc | None) -> str:
    """The category of a grade."""
    if disc is None:
        return MISSING
    if disc.pfirrmann is not None:
        return str(disc.pfirrmann)
    return MISSING if disc.not_gradable is None else NOT_GRADABLE


def sagittal(unit: Compared) -> Series:
    """The stack that was read."""
    return next(series for series in unit.study.series if series.plane is Plane.SAGITTAL)


def discs_of(unit: Compared) -> Iterator[ReadDisc]:
    """Every disc that either reader boxed, from the lowest up."""
    about = unit.first.assignment
    middle = sagittal(unit).slices[sagittal(unit).midline]
    for pair in unit.comparison.discs:
        sides = (
            _side(unit.first, pair.first, unit.comparison, pair.position, second=False),
            _side(unit.second, pair.second, unit.comparison, pair.position, second=True),
        )
        one, other = sorted(sides, key=lambda side: side.reader)
        yield ReadDisc(
            study=unit.study.study,
            position=pair.position,
            arm=about.arm,
            is_random=about.selection.value == "random",
            revision=unit.first.revision,
            width=middle.width,
            height=middle.height,
            sides=(one, other),
        )


def _side(said: Signed, place: int | None, comparison: Comparison, position: int, *, second: bool) -> Side:
    disc = None if place is None else said.findings.discs[place]
    return Side(
        reader=said.assignment.reader,
        answer=answer_of(disc),
        level=disc.level if disc else None,
        herniation=is_marked(comparison, position, Subject.HERNIATION, second=second),
        hiz=is_marked(comparison, position, Subject.HIZ, second=second),
        box=disc.primary if disc else None,
    )


def is_marked(comparison: Comparison, position: int, subject: Subject, *, second: bool) -> bool:
    """Whether the reader marked such a lesion at a disc."""
    pairs = [p for p in comparison.lesions if p.position == position and p.subject is subject]
    return any(p.second if second else p.first for p in pairs)


def place(discs: Sequence[Disc], unit: Compared) -> dict[int, Disc]:
    """Give other discs of the unit (a repeat's, the model's) the positions of the two readings.

    Returns:
        Discs by position; a disc that neither reader boxed has none and is left out.
    """
    found: dict[int, Disc] = {}
    left = list(discs)
    for findings, second in ((unit.first.findings, False), (unit.second.findings, True)):
        positions = _positions(unit.comparison, second=second)
        matched = _matches(findings, left)
        for ours, theirs in matched:
            found.setdefault(positions[ours], left[theirs])
        taken = {theirs for _, theirs in matched}
        left = [disc for number, disc in enumerate(left) if number not in taken]
    return found


def _positions(comparison: Comparison, *, second: bool) -> dict[int, int]:
    """Places in a reading's list to positions."""
    places = ((pair.second if second else pair.first, pair.position) for pair in comparison.discs)
    return {at: position for at, position in places if at is not None}


def _matches(findings: Findings, others: Sequence[Disc]) -> list[tuple[int, int]]:
    pairs = match_discs(findings.discs, others, Plane.SAGITTAL)
    return [(p.first, p.second) for p in pairs if p.first is not None and p.second is not None]


def headline(discs: Iterable[ReadDisc], arm: str) -> list[ReadDisc]:
    """Those that the report's table counts: one arm's (or `all`), of the random share."""
    return [disc for disc in discs if disc.is_random and arm in ("all", disc.arm.value)]


def in_cell(
    discs: Iterable[ReadDisc], answers: tuple[str, str], readers: tuple[str, str] | None = None
) -> list[ReadDisc]:
    """Those in one cell, of every pair of readers or of one."""
    return [d for d in discs if d.answers == answers and (readers is None or d.readers == readers)]
