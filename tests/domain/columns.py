"""Synthetic columns of discs, read by simulated readers, for the tests of matching and comparison."""

from __future__ import annotations

import random

from domain.boxes import Box
from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import COLUMNS, Plane


def disc_box(height: int, random_: random.Random, *, jitter: float = 0.0) -> Box:
    """The box of the disc `height` places above the lowest, 60 x 22 pixels, jittered by `jitter`."""
    x, y = 150.0 + 4 * height, 400.0 - 55 * height
    edges = [x, y, x + 60, y + 22]
    return Box.from_list([edge + random_.uniform(-jitter, jitter) for edge in edges])


def column(
    count: int,
    random_: random.Random,
    *,
    shift: int = 0,
    jitter: float = 0.0,
    missing: frozenset[int] = frozenset(),
    slices: tuple[int, ...] = (7,),
    grades: tuple[int, ...] | None = None,
) -> Findings:
    """A reading of an ordinary column; `shift` 1 names every disc one level too high."""
    discs = []
    for height in range(count):
        if height in missing:
            continue
        place = height + shift
        level = COLUMNS[0][place] if 0 <= place < len(COLUMNS[0]) else None
        boxes = tuple(SliceBox(slice=s, box=disc_box(height, random_, jitter=jitter)) for s in slices)
        grade = grades[height] if grades else 3
        discs.append(Disc(boxes=boxes, level=level, pfirrmann=grade))
    return Findings(plane=Plane.SAGITTAL, discs=tuple(discs))
