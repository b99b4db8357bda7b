"""Labelled sagittal slices: what training and evaluation see, whatever the labels came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from domain.errors import DiscLoopError

GreyImage = npt.NDArray[np.uint8]
"""(height, width), 8-bit grey, upright, anterior left, origin top left."""
BoxArray = npt.NDArray[np.float32]
"""(discs, 4): x1, y1, x2, y2 in pixels of the slice."""


class Origin(StrEnum):
    """Where the boxes of a slice came from; sampling weights and reports go by it."""

    DRAWN = "drawn"
    PSEUDO = "pseudo"
    MASK = "mask"
    VOLUME = "volume"
    UNBOXED = "unboxed"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class LabelledSlice:
    """One slice with the discs on it, ordered from the lowest up.

    Attributes:
        patient: Pseudonym; folds and splits go by it.
        name: Names the slice in reports, unique.
        image: (height, width) uint8.
        origin: Where the boxes came from.
        boxes: (discs, 4) float32, or None if nobody has drawn them.
        grades: (discs, 5) float32, probability of each Pfirrmann grade 1-5; a row of NaN is "not graded".
        herniated: (discs,) float32: 1 yes, 0 no, NaN unknown.
        weights: (discs,) float32, weight of each disc in the grader's loss.
        complete: Every disc of the column has a row here, so `len(grades)` is the true count.
    """

    patient: str
    name: str
    image: GreyImage
    origin: Origin
    boxes: BoxArray | None
    grades: npt.NDArray[np.float32]
    herniated: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    complete: bool = True

    def __post_init__(self) -> None:
        count = len(self.grades)
        if self.boxes is not None and len(self.boxes) != count:
            raise DiscLoopError(
                f"slice {self.name}: expected {count} boxes, one a disc, got {len(self.boxes)}"
            )
        if self.grades.shape != (count, 5) or len(self.herniated) != count or len(self.weights) != count:
            raise DiscLoopError(f"slice {self.name}: grades, herniations and weights must be one a disc")

    @property
    def count(self) -> int:
        """Discs of the column that have a row."""
        return len(self.grades)

    def with_boxes(self, boxes: BoxArray, origin: Origin) -> Self:
        """The same slice with boxes, one a disc from the lowest up."""
        return replace(self, boxes=boxes, origin=origin)


def ungraded(patient: str, name: str, image: GreyImage, boxes: BoxArray, origin: Origin) -> LabelledSlice:
    """A slice with disc boxes and no reading of the discs."""
    count = len(boxes)
    return LabelledSlice(
        patient=patient,
        name=name,
        image=image,
        origin=origin,
        boxes=boxes,
        grades=np.full((count, 5), np.nan, np.float32),
        herniated=np.full(count, np.nan, np.float32),
        weights=np.ones(count, np.float32),
    )


def lowest_first(boxes: BoxArray) -> BoxArray:
    """The boxes ordered by the height of their middles, the lowest in the picture first."""
    return boxes[np.argsort(-(boxes[:, 1] + boxes[:, 3]), kind="stable")]
