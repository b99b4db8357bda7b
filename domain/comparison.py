"""Where two readings of one unit agree, and how they differ: typed disagreements, the gravest first.

A column that one reader numbered one level off is a single `level_shift`, not one disagreement a disc.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from domain.disagreements import (
    Comparison,
    Disagreement,
    DiscPair,
    LesionPair,
    Subject,
    differ,
    unit_severity,
)
from domain.findings import Disc, Findings
from domain.lesions import compare_lesions
from domain.matching import Pair, match_discs
from domain.taxonomy import DisagreementKind, Level, Quality

DISC_EXTENT_OVERLAP = 0.5
"""Matched disc boxes that overlap less than this differ in extent."""
SHIFT_SHARE = 0.6
"""Share of the named pairs that must be off by the same step for the column to be shifted."""

_ORDINAL: dict[Level, int] = {
    Level.T11_12: 0,
    Level.T12_L1: 1,
    Level.L1_2: 2,
    Level.L2_3: 3,
    Level.L3_4: 4,
    Level.L4_5: 5,
    Level.L5_6: 6,
    Level.L5_S1: 6,
    Level.L6_S1: 7,
    Level.S1_2: 7,
}
"""Steps below T11/12, in each of the columns that occur."""


def compare(first: Findings, second: Findings, *, spacing: float) -> Comparison:
    """Match two readings of one unit and name what differs.

    Args:
        first: One reader's findings.
        second: The other's, of the same plane.
        spacing: Millimetres a pixel of the displayed slice.

    Raises:
        ValueError: If the planes differ.
    """
    if first.plane is not second.plane:
        raise ValueError(f"two readings of one unit have one plane, got {first.plane} and {second.plane}")
    pairs = match_discs(first.discs, second.discs, first.plane)
    discs = tuple(
        DiscPair(position=n, first=p.first, second=p.second, overlap=p.overlap)
        for n, p in enumerate(pairs, 1)
    )
    shift = level_shift([_levels(first, second, p) for p in pairs])
    found = list(_about_unit(first, second, shift, len(discs)))
    for pair in discs:
        found += _about_disc(first, second, pair, shift)
    lesions: list[LesionPair] = []
    for subject in (Subject.HERNIATION, Subject.HIZ):
        matched, differing = compare_lesions(first, second, discs, subject, spacing)
        lesions += matched
        found += differing
    found.sort(key=lambda d: (-d.severity, d.key))
    return Comparison(
        discs=discs, lesions=tuple(lesions), disagreements=tuple(found), severity=unit_severity(found)
    )


def level_shift(levels: Sequence[tuple[Level | None, Level | None]]) -> int | None:
    """Levels the second reading names the column below the first, or `None` if it is not shifted.

    Args:
        levels: What each reader calls each disc, `None` where they did not name or box it.

    A shift needs at least two discs named by both, and most of them off by the same step.
    """
    steps = [_ORDINAL[b] - _ORDINAL[a] for a, b in levels if a is not None and b is not None]
    if len(steps) < 2:
        return None
    # Ties between a step and its mirror cannot reach the share, so the order of the readers does not matter.
    step, count = Counter(steps).most_common(1)[0]
    return step if step != 0 and count >= 2 and count / len(steps) >= SHIFT_SHARE else None


def _levels(first: Findings, second: Findings, pair: Pair) -> tuple[Level | None, Level | None]:
    ours = None if pair.first is None else first.discs[pair.first].level
    theirs = None if pair.second is None else second.discs[pair.second].level
    return ours, theirs


def _about_unit(first: Findings, second: Findings, shift: int | None, count: int) -> Iterable[Disagreement]:
    unreadable = [f.quality is Quality.UNREADABLE for f in (first, second)]
    if unreadable[0] != unreadable[1]:
        yield differ(
            DisagreementKind.GRADABILITY, Subject.UNIT, None, first=first.quality, second=second.quality
        )
    if first.transitional != second.transitional:
        said = ["transitional" if f.transitional else "ordinary" for f in (first, second)]
        yield differ(DisagreementKind.TRANSITIONAL, Subject.UNIT, None, first=said[0], second=said[1])
    if shift is not None:
        lowest = [next((d.level for d in f.discs if d.level), None) for f in (first, second)]
        yield differ(
            DisagreementKind.LEVEL_SHIFT,
            Subject.COLUMN,
            None,
            first=f"lowest {lowest[0]}",
            second=f"lowest {lowest[1]}",
            distance=shift,
        )


def _about_disc(
    first: Findings, second: Findings, pair: DiscPair, shift: int | None
) -> Iterable[Disagreement]:
    if pair.first is None or pair.second is None:
        present = first.discs[pair.first] if pair.first is not None else second.discs[pair.second or 0]
        said = ("boxed", "not boxed") if pair.second is None else ("not boxed", "boxed")
        yield differ(
            DisagreementKind.PRESENCE,
            Subject.DISC,
            pair.position,
            present.level,
            first=said[0],
            second=said[1],
        )
        return
    ours, theirs = first.discs[pair.first], second.discs[pair.second]
    yield from _about_level(ours, theirs, pair.position, shift)
    yield from _about_grade(ours, theirs, pair.position)
    if pair.overlap is not None and pair.overlap < DISC_EXTENT_OVERLAP:
        said = (_extent(ours), _extent(theirs))
        yield differ(
            DisagreementKind.EXTENT,
            Subject.DISC,
            pair.position,
            _shared_level(ours, theirs),
            first=said[0],
            second=said[1],
        )


def _about_level(ours: Disc, theirs: Disc, position: int, shift: int | None) -> Iterable[Disagreement]:
    if ours.level == theirs.level:
        return
    step = None
    if ours.level is not None and theirs.level is not None:
        step = _ORDINAL[theirs.level] - _ORDINAL[ours.level]
    if shift is not None and step in (shift, None):
        return
    yield differ(
        DisagreementKind.LEVEL,
        Subject.DISC,
        position,
        first=ours.level or "unnamed",
        second=theirs.level or "unnamed",
        distance=step,
    )


def _about_grade(ours: Disc, theirs: Disc, position: int) -> Iterable[Disagreement]:
    level = _shared_level(ours, theirs)
    if (ours.not_gradable is None) != (theirs.not_gradable is None):
        yield differ(
            DisagreementKind.GRADABILITY,
            Subject.DISC,
            position,
            level,
            first=_grade(ours),
            second=_grade(theirs),
        )
    elif ours.pfirrmann is not None and theirs.pfirrmann is not None and ours.pfirrmann != theirs.pfirrmann:
        yield differ(
            DisagreementKind.GRADE,
            Subject.DISC,
            position,
            level,
            first=_grade(ours),
            second=_grade(theirs),
            distance=abs(ours.pfirrmann - theirs.pfirrmann),
        )


def _grade(disc: Disc) -> str:
    if disc.not_gradable is not None:
        return f"not gradable: {disc.not_gradable}"
    return "no grade" if disc.pfirrmann is None else str(disc.pfirrmann)


def _extent(disc: Disc) -> str:
    box = disc.primary.box
    return f"{box.x2 - box.x1:.0f} x {box.y2 - box.y1:.0f} px"


def _shared_level(ours: Disc, theirs: Disc) -> Level | None:
    return ours.level if ours.level == theirs.level else None
