"""Agreement weights between ordered categories: 1 on the diagonal, 0 at the far corners.

All are K x K, float64, symmetric. Cohen 1968 (Psychol Bull 70:213); Gwet 2014, Handbook, chapter 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def _distance(categories: int) -> Array:
    if categories < 2:
        raise ValueError(f"weights need at least two categories, got {categories}")
    rank = np.arange(categories, dtype=np.float64)
    return np.asarray(np.abs(rank[:, None] - rank[None, :]), dtype=np.float64)


def identity(categories: int) -> Array:
    """1 for the same category, 0 otherwise."""
    return np.asarray(_distance(categories) == 0, dtype=np.float64)


def within(categories: int, steps: int = 1) -> Array:
    """1 for categories at most `steps` apart, 0 otherwise."""
    return (_distance(categories) <= steps).astype(np.float64)


def linear(categories: int) -> Array:
    """1 - |i - j| / (K - 1)."""
    return 1.0 - _distance(categories) / (categories - 1)


def quadratic(categories: int) -> Array:
    """1 - (i - j)^2 / (K - 1)^2."""
    return 1.0 - (_distance(categories) / (categories - 1)) ** 2
