"""Lesions of two readings, matched within their discs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.disagreements import Disagreement, DiscPair, LesionPair, Subject, differ
from domain.findings import Findings, Herniation
from domain.matching import Lesion, LesionGroup, Pair, group_lesions, match_lesions
from domain.taxonomy import DisagreementKind, HerniationType, Level

LESION_AREA_RATIO = 3.0
"""Matched lesions whose largest boxes differ more than this differ in extent."""


def compare_lesions(
    first: Findings, second: Findings, discs: Sequence[DiscPair], subject: Subject, spacing: float
) -> tuple[list[LesionPair], list[Disagreement]]:
    """Match one kind of lesion within the matched discs and name what differs.

    Args:
        first: One reader's findings.
        second: The other's.
        discs: Their discs, matched.
        subject: `HERNIATION` or `HIZ`.
        spacing: Millimetres a pixel of the displayed slice.
    """
    marks = [_marks(f, subject) for f in (first, second)]
    groups = [group_lesions(m, f.discs, spacing=spacing) for m, f in zip(marks, (first, second), strict=True)]
    pairs: list[LesionPair] = []
    found: list[Disagreement] = []
    for position, level, ours, theirs in _by_disc(first, second, discs, groups[0], groups[1]):
        matched = match_lesions(ours, theirs, spacing=spacing)
        for number, pair in enumerate(matched):
            a = None if pair.first is None else ours[pair.first]
            b = None if pair.second is None else theirs[pair.second]
            pairs.append(
                LesionPair(
                    subject=subject, position=position, first=_where(a, marks[0]), second=_where(b, marks[1])
                )
            )
            if a is not None and b is not None:
                found += _about_lesion(a, b, subject, position, level, number)
        found += _unmatched(matched, subject, position, level)
    return pairs, found


def _marks(findings: Findings, subject: Subject) -> tuple[Lesion, ...]:
    return findings.herniations if subject is Subject.HERNIATION else findings.hiz


def _where(group: LesionGroup | None, marks: Sequence[Lesion]) -> tuple[int, ...]:
    if group is None:
        return ()
    return tuple(i for i, mark in enumerate(marks) if any(mark is m for m in group.marks))


def _by_disc(
    first: Findings,
    second: Findings,
    discs: Sequence[DiscPair],
    ours: Sequence[LesionGroup],
    theirs: Sequence[LesionGroup],
) -> Iterable[tuple[int | None, Level | None, list[LesionGroup], list[LesionGroup]]]:
    """The lesions of each matched disc; those of readings without discs come last, under `None`."""
    for pair in discs:
        a = [g for g in ours if g.disc is not None and g.disc == pair.first]
        b = [g for g in theirs if g.disc is not None and g.disc == pair.second]
        if a or b:
            levels = {
                f.discs[i].level for f, i in ((first, pair.first), (second, pair.second)) if i is not None
            }
            yield pair.position, levels.pop() if len(levels) == 1 else None, a, b
    a, b = [g for g in ours if g.disc is None], [g for g in theirs if g.disc is None]
    if a or b:
        yield None, None, a, b


def _unmatched(
    matched: Sequence[Pair], subject: Subject, position: int | None, level: Level | None
) -> list[Disagreement]:
    """Both marked the disc but in other places: `location`. Only one marked it: `presence`."""
    alone = [sum(p.second is None for p in matched), sum(p.first is None for p in matched)]
    found: list[Disagreement] = []
    elsewhere = min(alone)
    for n in range(elsewhere):
        found.append(
            differ(DisagreementKind.LOCATION, subject, position, level, n, first="here", second="elsewhere")
        )
    for n in range(max(alone) - elsewhere):
        said = ("present", "absent") if alone[0] > alone[1] else ("absent", "present")
        found.append(
            differ(DisagreementKind.PRESENCE, subject, position, level, n, first=said[0], second=said[1])
        )
    return found


def _about_lesion(
    ours: LesionGroup,
    theirs: LesionGroup,
    subject: Subject,
    position: int | None,
    level: Level | None,
    number: int,
) -> list[Disagreement]:
    a, b = _attribute(ours), _attribute(theirs)
    if a and b and a != b:
        kind = DisagreementKind.LOCATION if subject is Subject.HIZ else DisagreementKind.EXTENT
        return [differ(kind, subject, position, level, number, first=a, second=b)]
    sizes = [max(box.box.area for box in g.boxes) for g in (ours, theirs)]
    if max(sizes) / min(sizes) > LESION_AREA_RATIO:
        said = [f"{size:.0f} px²" for size in sizes]
        return [
            differ(DisagreementKind.EXTENT, subject, position, level, number, first=said[0], second=said[1])
        ]
    return []


def _attribute(group: LesionGroup) -> str | None:
    """A herniation's type or a zone's side, where the reader committed to one."""
    for mark in group.marks:
        said = mark.type if isinstance(mark, Herniation) else mark.side
        if said is not None and said is not HerniationType.INDETERMINATE:
            return said
    return None
