"""Which disc, and which lesion, of one reading is which of another: by overlap, not by name.

Discs are matched by the Hungarian method on their overlap, from IoU 0.3 on the slices both readers boxed.
Where two sagittal boxes share no slice the nearest slices are compared, because a column runs through the
whole stack at the same height. Axial boxes on different slices cannot be compared; those discs are matched
by level.
Lesions are matched within a disc, from IoU 0.1 or centres within 3 mm, on the same or neighbouring slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from domain.boxes import Box, intersection_over_union
from domain.findings import Disc, Herniation, Hiz, SliceBox
from domain.taxonomy import Plane

DISC_OVERLAP = 0.3
LESION_OVERLAP = 0.1
LESION_DISTANCE_MM = 3.0

Lesion = Herniation | Hiz


class Pair(NamedTuple):
    """Positions in the two lists; `None` where only the other reading has it."""

    first: int | None
    second: int | None
    overlap: float | None = None
    """IoU, 0 to 1; `None` when matched by level or not at all."""


@dataclass(frozen=True, kw_only=True)
class LesionGroup:
    """One lesion of a reading, its marks on neighbouring slices taken together."""

    disc: int | None
    """Position of its disc in the reading's list."""
    marks: tuple[Lesion, ...]

    @property
    def boxes(self) -> tuple[SliceBox, ...]:
        """All boxes of the lesion, in the order they were marked."""
        return tuple(box for mark in self.marks for box in mark.boxes)


def disc_overlap(first: Disc, second: Disc, plane: Plane) -> float | None:
    """Mean IoU over the shared slices; `None` where the boxes cannot be compared."""
    ours = {b.slice: b.box for b in first.boxes}
    theirs = {b.slice: b.box for b in second.boxes}
    shared = sorted(ours.keys() & theirs.keys())
    if shared:
        return sum(intersection_over_union(ours[s], theirs[s]) for s in shared) / len(shared)
    if plane is Plane.AXIAL:
        return None
    gap = min(abs(a - b) for a in ours for b in theirs)
    near = [(a, b) for a in ours for b in theirs if abs(a - b) == gap]
    return max(intersection_over_union(ours[a], theirs[b]) for a, b in near)


def match_discs(first: Sequence[Disc], second: Sequence[Disc], plane: Plane) -> tuple[Pair, ...]:
    """Match the discs of two readings of one unit.

    Args:
        first: One reader's discs, any order.
        second: The other's.
        plane: The unit's plane.

    Returns:
        Every disc of either reading once, from the lowest up (axial: in stack order, from the feet).
    """
    overlaps = [[disc_overlap(a, b, plane) for b in second] for a in first]
    pairs = _best_pairs(overlaps, len(first), len(second))
    pairs += _pairs_by_level(first, second, overlaps, pairs)
    ours = {p.first for p in pairs}
    theirs = {p.second for p in pairs}
    pairs += [Pair(i, None) for i in range(len(first)) if i not in ours]
    pairs += [Pair(None, j) for j in range(len(second)) if j not in theirs]
    return tuple(sorted(pairs, key=lambda p: _height(p, first, second, plane)))


def _best_pairs(overlaps: list[list[float | None]], rows: int, columns: int) -> list[Pair]:
    if not rows or not columns:
        return []
    gain = np.array([[o if o is not None and o >= DISC_OVERLAP else 0.0 for o in row] for row in overlaps])
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True)
    return [Pair(int(i), int(j), float(gain[i, j])) for i, j in chosen if gain[i, j] > 0]


def _pairs_by_level(
    first: Sequence[Disc], second: Sequence[Disc], overlaps: list[list[float | None]], pairs: list[Pair]
) -> list[Pair]:
    """Pairs of the same level among those left over whose boxes cannot be compared."""
    ours = [i for i in range(len(first)) if i not in {p.first for p in pairs}]
    theirs = [j for j in range(len(second)) if j not in {p.second for p in pairs}]
    found: list[Pair] = []
    for i in ours:
        level = first[i].level
        same = [j for j in theirs if second[j].level == level and overlaps[i][j] is None]
        if level is not None and len(same) == 1 and sum(first[k].level == level for k in ours) == 1:
            found.append(Pair(i, same[0]))
    return found


def _height(pair: Pair, first: Sequence[Disc], second: Sequence[Disc], plane: Plane) -> tuple[float, float]:
    """A key that sorts from the lowest disc up, whichever reader comes first."""
    boxes = [] if pair.first is None else [first[pair.first].primary]
    boxes += [] if pair.second is None else [second[pair.second].primary]
    across = sum(b.box.center[0] for b in boxes) / len(boxes)
    if plane is Plane.AXIAL:
        return sum(b.slice for b in boxes) / len(boxes), across
    return -sum(b.box.center[1] for b in boxes) / len(boxes), across


def same_lesion(first: Sequence[SliceBox], second: Sequence[SliceBox], spacing: float) -> bool:
    """Whether two sets of boxes mark one lesion.

    Args:
        first: Boxes of one mark, on one or several slices.
        second: Boxes of the other.
        spacing: Millimetres a pixel, both directions.
    """
    near = [(a.box, b.box) for a in first for b in second if abs(a.slice - b.slice) <= 1]
    return any(
        intersection_over_union(a, b) >= LESION_OVERLAP
        or center_distance(a, b) * spacing <= LESION_DISTANCE_MM
        for a, b in near
    )


def center_distance(first: Box, second: Box) -> float:
    """Pixels between the middles of two boxes."""
    (ax, ay), (bx, by) = first.center, second.center
    return float(np.hypot(ax - bx, ay - by))


def lesion_disc(lesion: Lesion, discs: Sequence[Disc]) -> int | None:
    """Position of the disc a lesion belongs to: the one of its level, else the nearest.

    Nearest is by the distance from the lesion's middle to the disc's box, on the nearest slice.
    """
    named = [i for i, disc in enumerate(discs) if disc.level is not None and disc.level == lesion.level]
    if len(named) == 1:
        return named[0]
    if not discs:
        return None
    mark = lesion.primary
    return min(range(len(discs)), key=lambda i: _gap(mark, discs[i]))


def _gap(mark: SliceBox, disc: Disc) -> tuple[float, float]:
    nearest = min(disc.boxes, key=lambda b: abs(b.slice - mark.slice))
    x, y = mark.box.center
    box = nearest.box
    outside = np.hypot(max(box.x1 - x, 0, x - box.x2), max(box.y1 - y, 0, y - box.y2))
    return float(outside), center_distance(mark.box, box)


def group_lesions(
    lesions: Sequence[Lesion], discs: Sequence[Disc], *, spacing: float
) -> tuple[LesionGroup, ...]:
    """Take the marks of one lesion on neighbouring slices together.

    Two marks of one disc on the *same* slice stay two lesions: the reader drew two boxes and meant it.
    """
    groups: list[LesionGroup] = []
    for lesion in sorted(
        lesions, key=lambda mark: (min(b.slice for b in mark.boxes), mark.primary.box.as_list())
    ):
        disc = lesion_disc(lesion, discs)
        home = next(
            (i for i, g in enumerate(groups) if g.disc == disc and _continues(g, lesion, spacing)), None
        )
        if home is None:
            groups.append(LesionGroup(disc=disc, marks=(lesion,)))
        else:
            groups[home] = LesionGroup(disc=disc, marks=(*groups[home].marks, lesion))
    return tuple(groups)


def _continues(group: LesionGroup, lesion: Lesion, spacing: float) -> bool:
    taken = {b.slice for b in group.boxes}
    if taken & {b.slice for b in lesion.boxes}:
        return False
    return same_lesion(group.boxes, lesion.boxes, spacing)


def match_lesions(
    first: Sequence[LesionGroup], second: Sequence[LesionGroup], *, spacing: float
) -> tuple[Pair, ...]:
    """Match the lesions of one disc in two readings; every lesion of either comes back once.

    The most pairs win, then the largest overlap, then the smallest distance.
    """
    gain = np.zeros((len(first), len(second)))
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            if same_lesion(a.boxes, b.boxes, spacing):
                gain[i, j] = 1 + group_overlap(a, b)
    chosen = zip(*linear_sum_assignment(gain, maximize=True), strict=True) if gain.size else ()
    pairs = [Pair(int(i), int(j), float(gain[i, j] - 1)) for i, j in chosen if gain[i, j] > 0]
    ours, theirs = {p.first for p in pairs}, {p.second for p in pairs}
    pairs += [Pair(i, None) for i in range(len(first)) if i not in ours]
    pairs += [Pair(None, j) for j in range(len(second)) if j not in theirs]
    return tuple(pairs)


def group_overlap(first: LesionGroup, second: LesionGroup) -> float:
    """The largest IoU of two lesions' boxes on the same or neighbouring slices."""
    near = [(a.box, b.box) for a in first.boxes for b in second.boxes if abs(a.slice - b.slice) <= 1]
    return max((intersection_over_union(a, b) for a, b in near), default=0.0)
