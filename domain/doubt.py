"""How doubtful a disc is: to one model, between models, and between readers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from domain.taxonomy import GRADES

Array = NDArray[np.float64]

PRIOR = 10.0
"""Discs."""


def ordinal_uncertainty(grades: Array) -> Array:
    """(D,) doubt of each disc, 0 (certain) to 1 (half on grade 1, half on grade 5).

    The mean of 4 F (1 - F) over the cuts of the cumulative distribution F: doubt between far grades counts
    more than between neighbours, as it should for an ordinal scale (Blair and Lacy 2000, Sociol Methods Res
    28:251).
    """
    below = np.cumsum(grades, axis=1)[:, :-1]
    return np.asarray((4 * below * (1 - below)).mean(1).clip(0, 1), dtype=np.float64)


def committee_disagreement(members: Array) -> Array:
    """(D,) how far models differ on each disc, 0 (alike) to 1 (half say grade 1, half grade 5).

    Four times the variance of the cumulative distribution between (M, D, 5) models, mean over the cuts: the
    part of the ordinal doubt of their mean that is not in each of them.
    """
    return np.asarray(4 * np.cumsum(members, axis=2)[:, :, :-1].var(axis=0).mean(1), dtype=np.float64)


def dispute_rates(grades: NDArray[np.integer], differed: NDArray[np.bool_]) -> Array:
    """(5,) how often two readers differ on a disc of each grade, learned from discs that were compared.

    A grade seen rarely is drawn towards the rate of all, as if ten more of it had been.

    Args:
        grades: (D,) decided grades, 1 to 5.
        differed: (D,) whether the two readings said otherwise.
    """
    if not len(grades):
        return np.zeros(len(GRADES))
    seen = np.bincount(grades - 1, minlength=len(GRADES))
    apart = np.bincount(grades - 1, weights=differed, minlength=len(GRADES))
    return np.asarray((apart + PRIOR * differed.mean()) / (seen + PRIOR), dtype=np.float64)
