"""Boxes for what the networks only say of a whole disc."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ml_backend.grader.crops import frame_discs
from ml_backend.samples import BoxArray

FORWARD, BACKWARD = 0.3, 0.14
"""How far a herniation's box reaches from the disc's posterior border, in disc spacings."""
HALF_HEIGHT = 0.3
"""Half its height, in disc spacings."""


def herniation_box(boxes: BoxArray, index: int) -> npt.NDArray[np.float32]:
    """A box over the posterior border of a disc, where a herniation lies.

    The grader says whether the disc is herniated, not where; the box follows from the disc's own box and the
    column's tilt, anterior being left. (4,) in pixels of the slice.

    Args:
        boxes: (discs, 4) of the whole column, lowest first.
        index: Row of the disc.
    """
    frame = frame_discs(boxes)[index]
    half_width = float(boxes[index, 2] - boxes[index, 0]) / 2
    along = np.array([np.cos(frame.tilt), np.sin(frame.tilt)])
    border = np.array(frame.middle) + along * 0.9 * half_width
    front, back = border - along * FORWARD * frame.spacing, border + along * BACKWARD * frame.spacing
    half = HALF_HEIGHT * frame.spacing
    low, high = np.minimum(front, back), np.maximum(front, back)
    return np.array([low[0], low[1] - half / 2, high[0], high[1] + half / 2], np.float32)
