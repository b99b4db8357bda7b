"""Distributions over the five ordered grades: targets, calibration, and the one grade to show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Floats = npt.NDArray[np.float32]
NEIGHBOUR = 0.1
"""Share of a reading's weight that goes to each neighbouring grade: readers differ by one, seldom by two."""
TEMPERATURES = (0.3, 5.0)


def smooth_targets(grades: Floats) -> Floats:
    """(discs, 5) distributions with some weight moved to the neighbouring grades; rows stay sums of one."""
    kernel = np.zeros((5, 5), np.float32)
    for grade in range(5):
        for neighbour in (grade - 1, grade + 1):
            if 0 <= neighbour < 5:
                kernel[grade, neighbour] = NEIGHBOUR
        kernel[grade, grade] = 1 - kernel[grade].sum()
    return np.asarray(grades @ kernel, np.float32)


def softmax(logits: npt.NDArray[np.floating]) -> Floats:
    """Softmax over the last axis."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True), np.float32)


def sharpen(probabilities: Floats, temperature: float) -> Floats:
    """Divide log-probabilities by a temperature and normalise: above 1 softer, below 1 sharper."""
    return softmax(np.log(np.clip(probabilities, 1e-6, 1)) / temperature)


def fit_temperature(probabilities: Floats, grades: npt.NDArray[np.integer]) -> float:
    """The temperature that makes the truth likeliest (Guo et al. 2017, ICML); grades 1-5, one a row."""

    def surprise(log_temperature: float) -> float:
        sharpened = sharpen(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(np.clip(sharpened[np.arange(len(grades)), grades - 1], 1e-6, 1)).mean())

    found = minimize_scalar(surprise, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))


def median_grade(probabilities: Floats) -> npt.NDArray[np.int64]:
    """The grade at which half of the probability is reached: it minimises the expected distance.

    (discs, 5) to (discs,), 1 to 5.
    """
    return np.asarray((np.cumsum(probabilities, axis=-1) < 0.5 - 1e-6).sum(axis=-1).clip(max=4) + 1, np.int64)


def entropy(probabilities: Floats) -> Floats:
    """Normalised entropy of each row, 0 (sure) to 1 (uniform)."""
    clipped = np.clip(probabilities, 1e-9, 1)
    return np.asarray(-(clipped * np.log(clipped)).sum(axis=-1) / np.log(clipped.shape[-1]), np.float32)
