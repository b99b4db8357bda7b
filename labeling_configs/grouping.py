"""From single rectangles to findings: which are one disc, which disc a lesion belongs to, its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from domain.boxes import Box, intersection_over_union
from domain.taxonomy import Level, Plane, name_column
from labeling_configs import controls
from labeling_configs.controls import Kind
from labeling_configs.problems import NAMES, Problem, Said, box_on, disc_at
from labeling_configs.regions import Mark

SAME_DISC = 0.3
"""Shared part of the smaller box from which boxes on different slices are one disc."""
SAME_LESION = 0.3
"""Shared part of the smaller box from which boxes on neighbouring slices are one lesion."""
DOUBLE = 0.6
"""Overlap from which two boxes of a kind on one slice are one drawn twice."""
SHOWN = re.compile(rf"(?P<finding>(?:{controls.ASKED}|{controls.OPEN})*(?:{'|'.join(Kind)})-\d+)-\d+")
"""How `encoding` names the boxes of a finding: one name a finding, then the slice."""

_NAMELESS = Said("no disc has a level; name one, the others follow", "没有指定节段；指定一个，其余自动推定")

Group = tuple[Mark, ...]


class Answered(NamedTuple):
    """Boxes of one finding, the deciding one first, with the answers that hold for all of them."""

    marks: Group
    answers: dict[str, str]

    @property
    def primary(self) -> Mark:
        """The box on the slice the finding was decided on."""
        return self.marks[0]


def doubles(marks: Sequence[Mark]) -> list[Problem]:
    """Boxes of a kind that lie on each other on one slice."""
    return [
        Problem(
            box_on(a.kind, a.slice),
            Said(f"two {NAMES[a.kind]} boxes lie on each other; delete one", "两个框重叠，请删除一个"),
        )
        for a, b in combinations(marks, 2)
        if a.kind == b.kind and a.slice == b.slice and intersection_over_union(a.box, b.box) >= DOUBLE
    ]


def group_discs(marks: Sequence[Mark], plane: Plane) -> list[Group]:
    """Boxes of one disc across slices, discs from the lowest up.

    Sagittal discs keep their place from slice to slice, so any two slices are compared. On axial slices
    all discs lie on each other, so boxes are joined by name, those filled in as one disc stay one, and an
    unnamed one is joined to its neighbour slice's.
    """
    discs = [mark for mark in marks if mark.kind is Kind.DISC]
    if plane is Plane.AXIAL:
        groups = _join(discs, _same_axial_disc, SAME_DISC, apart=_named_apart)
        return sorted(groups, key=lambda group: (min(m.slice for m in group), group[0].id))
    groups = _join(discs, lambda a, b: _covered(a.box, b.box), SAME_DISC)
    return sorted(groups, key=lambda group: (-_center_y(group), group[0].id))


def _same_axial_disc(a: Mark, b: Mark) -> float:
    names = [mark.answers["level"] for mark in (a, b) if "level" in mark.answers]
    if len(names) == 2 and names[0] == names[1]:
        return 1.0
    if _shown_as(a) is not None and _shown_as(a) == _shown_as(b):
        return 1.0
    return _covered(a.box, b.box) if abs(a.slice - b.slice) == 1 else 0.0


def _shown_as(mark: Mark) -> str | None:
    """The finding as which a box was filled in before the reader came; no box of their own has one."""
    shown = SHOWN.fullmatch(mark.id)
    return shown and shown["finding"]


def group_lesions(marks: Sequence[Mark], kind: Kind) -> list[Group]:
    """Boxes of one lesion, by first slice and place.

    Those filled in as one stay one and apart from the others'; else it is those on neighbouring slices that
    cover each other: on its last slice a lesion may be a small part of what it is on the one before.
    """
    groups = _join([mark for mark in marks if mark.kind is kind], _same_lesion, SAME_LESION)
    return sorted(groups, key=lambda group: (min(m.slice for m in group), group[0].box.as_list()))


def _same_lesion(a: Mark, b: Mark) -> float:
    names = _shown_as(a), _shown_as(b)
    if None not in names:
        return float(names[0] == names[1])
    return _covered(a.box, b.box) if abs(a.slice - b.slice) == 1 else 0.0


def _named_apart(marks: Iterable[Mark]) -> bool:
    return len({mark.answers["level"] for mark in marks if "level" in mark.answers}) > 1


def _center_y(group: Group) -> float:
    return sum(mark.box.center[1] for mark in group) / len(group)


def _join(
    marks: Sequence[Mark],
    belong: Callable[[Mark, Mark], float],
    least: float,
    apart: Callable[[Iterable[Mark]], bool] | None = None,
) -> list[Group]:
    """Join the closest first; a group never holds two boxes on one slice."""
    group_of = {mark.id: [mark] for mark in marks}
    pairs = [(belong(a, b), a, b) for a, b in combinations(marks, 2) if a.slice != b.slice]
    for _, a, b in sorted((p for p in pairs if p[0] >= least), key=lambda p: (-p[0], p[1].id, p[2].id)):
        ours, theirs = group_of[a.id], group_of[b.id]
        if ours is theirs or {m.slice for m in ours} & {m.slice for m in theirs}:
            continue
        if apart is None or not apart([*ours, *theirs]):
            ours.extend(theirs)
            group_of.update({mark.id: ours for mark in theirs})
    groups = {id(group): group for group in group_of.values()}
    return [tuple(sorted(group, key=lambda mark: mark.slice)) for group in groups.values()]


def agree(group: Group, name: str, asked: Sequence[str]) -> tuple[Answered, list[Problem]]:
    """One answer a finding: boxes without one inherit it, boxes with different ones are a problem.

    Args:
        group: Boxes of one finding, by slice.
        name: How the finding is called in a problem.
        asked: Controls; the deciding box is the first that answers the earliest of them.
    """
    problems = []
    answers: dict[str, str] = {}
    deciding: Mark | None = None
    for control in asked:
        given = [mark for mark in group if control in mark.answers]
        values = sorted({mark.answers[control] for mark in given})
        if len(values) > 1:
            slices = ", ".join(str(mark.slice + 1) for mark in given)
            said = Said(
                f"{' and '.join(values)} on slices {slices}: one answer a finding",
                f"第 {slices} 层上有不同的答案（{'、'.join(values)}），只能有一个",
            )
            problems.append(Problem(name, said))
        if given:
            answers[control] = given[0].answers[control]
            deciding = deciding or given[0]
    primary = deciding or group[0]
    rest = [mark for mark in group if mark is not primary]
    return Answered((primary, *rest), answers), problems


def name_discs(discs: Sequence[Answered], plane: Plane) -> tuple[list[Level | None], list[Problem]]:
    """Levels of all discs, lowest first.

    Sagittal: from those the reader named; the others follow in the column. Axial: each by its own name,
    because slices between the discs may be missing.
    """
    given = [Level(d.answers["level"]) if "level" in d.answers else None for d in discs]
    if plane is Plane.AXIAL:
        return given, _axial_problems(discs, given)
    named = [(i, level) for i, level in enumerate(given, start=1) if level is not None]
    if discs and not named:
        return given, [Problem(Said("the discs", "椎间盘"), _NAMELESS)]
    for index, level in named:
        column = name_column(len(discs), index, level)
        if all(column[i - 1] == other for i, other in named):
            return list(column), []
    return given, [_conflict(discs, named)] if named else []


def _axial_problems(discs: Sequence[Answered], given: Sequence[Level | None]) -> list[Problem]:
    problems = [
        Problem(box_on(Kind.DISC, disc.primary.slice), Said("it has no level", "没有指定节段"))
        for disc, level in zip(discs, given, strict=True)
        if level is None
    ]
    order = list(Level)
    named = [(disc, level) for disc, level in zip(discs, given, strict=True) if level is not None]
    for (_, lower), (disc, upper) in pairwise(named):
        if order.index(upper) >= order.index(lower):
            said = Said(
                f"named {upper}, but it lies above {lower}; slices run from the feet up",
                f"指定为 {upper}，但位于 {lower} 之上；层号自足侧向上",
            )
            problems.append(Problem(box_on(Kind.DISC, disc.primary.slice), said))
    return problems


def _conflict(discs: Sequence[Answered], named: Sequence[tuple[int, Level]]) -> Problem:
    first, level = named[0]
    column = name_column(len(discs), first, level)
    for index, other in named[1:]:
        counted = column[index - 1]
        if counted != other:
            break
    where = disc_at(index, discs[index - 1].primary.slice)
    said = Said(
        f"named {other}, but counted from disc {first} ({level}) it is {counted or 'above ' + Level.T11_12}; "
        "one of the names is wrong, or a disc between them has no box",
        f"指定为 {other}，但从第 {first} 个（{level}）数起是 {counted or Level.T11_12 + ' 以上'}；"
        "其中一个节段有误，或中间有椎间盘没有画框",
    )
    return Problem(where, said)


def nearest_disc(lesion: Group, discs: Sequence[Answered], plane: Plane) -> int | None:
    """Which disc a lesion belongs to: the one it overlaps most, else the one with the smallest gap.

    Returns:
        Position in `discs`; None without discs, and on axial stacks when no disc lies within a slice.
    """

    def key(a: Mark, b: Mark) -> tuple[float, float, float]:
        apart, gap = float(abs(a.slice - b.slice)), _gap(a.box, b.box)
        if plane is Plane.AXIAL:
            return apart, gap, 0.0
        return gap, -_shared(a.box, b.box), apart

    reachable = [
        (key(a, b), position)
        for position, disc in enumerate(discs)
        for a in lesion
        for b in disc.marks
        if plane is Plane.SAGITTAL or abs(a.slice - b.slice) <= 1
    ]
    return min(reachable)[1] if reachable else None


def _gap(a: Box, b: Box) -> float:
    across = max(a.x1 - b.x2, b.x1 - a.x2, 0.0)
    down = max(a.y1 - b.y2, b.y1 - a.y2, 0.0)
    return float((across**2 + down**2) ** 0.5)


def _covered(a: Box, b: Box) -> float:
    """The shared part of the smaller box, 0 to 1: at its edge a disc shows little."""
    return _shared(a, b) / min(a.area, b.area)


def _shared(a: Box, b: Box) -> float:
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return max(width, 0.0) * max(height, 0.0)


def fewest_names(levels: Sequence[Level | None], plane: Plane) -> dict[int, Level]:
    """The names that must be written for `name_discs` to give `levels` back: one, where one suffices."""
    named = {i: level for i, level in enumerate(levels) if level is not None}
    if plane is Plane.SAGITTAL:
        for i, level in named.items():
            if name_column(len(levels), i + 1, level) == tuple(levels):
                return {i: level}
    return named
