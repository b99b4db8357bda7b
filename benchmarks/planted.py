"""Wrong boxes among the proposed ones: what a hurried reader leaves. Simulated readers, synthetic columns.

One box of each unit's five is wrong. The reader grades each box that the page selects, names the lowest,
submits, and mends what the page refuses. One never looks at the boxes; the other looks at each as it is
selected: redraws it where it covers less than half of what box and disc cover together, and deletes it where
it is on no disc. Neither looks for discs without a box, because the page selects boxes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from domain.boxes import Box, intersection_over_union
from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import Level, Plane, name_column
from labeling_configs.codec import InvalidReading, SliceSize, decode, encode_findings
from tests.domain.columns import disc_box

UNITS = 500
"""Of each kind of error."""
DISCS = 5
SLICES = [SliceSize(512, 512)]
NOTICED = 0.5
"""Intersection over union below which a reader who looks moves a box."""

RIGHT = 0.9
"""From here on a box is its disc's."""

Boxes = list[Box]
Planting = Callable[[Boxes, int, random.Random], Boxes]


def _moved(box: Box, right: float, down: float) -> Box:
    return Box(x1=box.x1 + right, y1=box.y1 + down, x2=box.x2 + right, y2=box.y2 + down)


def _grown(box: Box, factor: float) -> Box:
    (x, y), across, down = box.center, factor * (box.x2 - box.x1) / 2, factor * (box.y2 - box.y1) / 2
    return Box(x1=x - across, y1=y - down, x2=x + across, y2=y + down)


def _off_by(share: float) -> Planting:
    def plant(boxes: Boxes, place: int, draw: random.Random) -> Boxes:
        height = boxes[place].y2 - boxes[place].y1
        wrong = _moved(boxes[place], 0, draw.choice((-share, share)) * height)
        return [*boxes[:place], wrong, *boxes[place + 1 :]]

    return plant


def _grown_by(factor: float) -> Planting:
    def plant(boxes: Boxes, place: int, _draw: random.Random) -> Boxes:
        return [*boxes[:place], _grown(boxes[place], factor**0.5), *boxes[place + 1 :]]

    return plant


def _on_a_vertebra(boxes: Boxes, place: int, _draw: random.Random) -> Boxes:
    return [*boxes, _moved(boxes[place], 0, -27)]


def _twice_there(boxes: Boxes, place: int, draw: random.Random) -> Boxes:
    return [*boxes, _moved(boxes[place], draw.uniform(-6, 6), draw.uniform(-3, 3))]


def _not_there(boxes: Boxes, place: int, _draw: random.Random) -> Boxes:
    return [*boxes[:place], *boxes[place + 1 :]]


ERRORS: dict[str, Planting] = {
    "moved by 0.3 of its height": _off_by(0.3),
    "moved by 0.6 of its height": _off_by(0.6),
    "1.6 times as large": _grown_by(1.6),
    "2.5 times as large": _grown_by(2.5),
    "on a vertebra": _on_a_vertebra,
    "a second box on a disc": _twice_there,
    "a disc without a box": _not_there,
}


def measure() -> dict[str, Any]:
    """Of the planted wrong boxes the share that is left, by error and reader."""
    found: dict[str, Any] = {"simulated": True, "units_of_each": UNITS}
    for name, plant in ERRORS.items():
        draw = random.Random(name)
        left = {"grades by key alone": 0, "looks at each box": 0}
        for _ in range(UNITS):
            true = [disc_box(height, draw, jitter=2) for height in range(DISCS)]
            shown = plant(true, draw.randrange(1, DISCS - 1), draw)
            left["grades by key alone"] += _is_left(true, _submitted(shown, true))
            left["looks at each box"] += _is_left(true, _submitted(_looked(shown, true), true))
        found[name] = {reader: round(count / UNITS, 3) for reader, count in left.items()}
    return found


def _looked(shown: Sequence[Box], true: Sequence[Box]) -> Boxes:
    """What is there after a look at each box."""
    kept: Boxes = []
    for box in shown:
        disc = max(true, key=lambda one: intersection_over_union(one, box))
        overlap = intersection_over_union(disc, box)
        if overlap >= NOTICED:
            kept.append(box)
        elif overlap > 0.1:
            kept.append(disc)
    return kept


def _submitted(boxes: Boxes, true: Sequence[Box]) -> Boxes:
    """The accepted reading: where the page refuses, the reader looks after all."""
    ordered = sorted(boxes, key=lambda box: -box.y1)
    levels = name_column(len(ordered), 1, Level.L5_S1)
    discs = tuple(
        Disc(boxes=(SliceBox(slice=0, box=box),), level=level, pfirrmann=3)
        for box, level in zip(ordered, levels, strict=True)
    )
    result = encode_findings(Findings(plane=Plane.SAGITTAL, discs=discs), slices=SLICES)
    try:
        decode(result, plane=Plane.SAGITTAL, slices=SLICES)
    except InvalidReading:
        return list(true)
    return ordered


def _is_left(true: Sequence[Box], kept: Sequence[Box]) -> bool:
    """Whether a disc has no box of its own, or a box no disc."""
    return len(kept) != len(true) or any(
        max(intersection_over_union(box, disc) for box in kept) < RIGHT for disc in true
    )
