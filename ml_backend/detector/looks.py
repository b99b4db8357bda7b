"""A second look at a larger scale where the count is in doubt, merged with the first.

Small or crushed discs that one scale misses are often found by the other; what only one of them sees counts
half. Measured in `docs/evidence/ml_results.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ml_backend.detector.letterbox import STRIDE

UNSURE = 0.25
"""Doubt about the count from which a slice is looked at again."""
SAME = 0.5
"""Overlap from which candidates of two looks are one."""
Candidates = npt.NDArray[np.float32]


def closer_side(side: int) -> int:
    """The longer side of the second look, for a first one of `side` pixels: a third more."""
    return round(side * 4 / 3 / STRIDE) * STRIDE


def merge_looks(looks: Sequence[Candidates]) -> Candidates:
    """One candidate for those at the same place: mean box by score, mean score, 0 where a look has none.

    Args:
        looks: (candidates, 5) each, x1, y1, x2, y2 in the same pixels and the score.
    """
    every = np.concatenate(looks)
    look = np.repeat(np.arange(len(looks)), [len(rows) for rows in looks])
    order = np.argsort(-every[:, 4], kind="stable")
    every, look = every[order], look[order]
    merged = []
    while len(every):
        same = _overlaps(every[0], every) > SAME
        same[0] = True
        best = [every[same & (look == number)][:1] for number in range(len(looks))]
        rows = np.concatenate(best)
        box = np.average(rows[:, :4], axis=0, weights=rows[:, 4])
        merged.append([*box, rows[:, 4].sum() / len(looks)])
        every, look = every[~same], look[~same]
    return np.array(merged, np.float32).reshape(-1, 5)


def _overlaps(one: Candidates, others: Candidates) -> npt.NDArray[np.float32]:
    sides = np.minimum(one[2:4], others[:, 2:4]) - np.maximum(one[:2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    areas = (others[:, 2:4] - others[:, :2]).prod(axis=1)
    union = (one[2:4] - one[:2]).prod() + areas - shared
    return np.asarray(shared / np.maximum(union, 1e-6), np.float32)
