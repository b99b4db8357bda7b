"""Makes probabilities mean what they say, from readings of patients that training has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from ml_backend.metrics import Items, graded_pairs, herniation_pairs
from ml_backend.ordinal import fit_temperature, sharpen

MORE_LIKELY_THAN_NOT = 0.5
"""Calibrated probability from which a herniation is proposed. One disc in twenty is herniated: a threshold
chosen for recall would put a wrong box on every fifth disc, in front of a reader."""


@dataclass(frozen=True)
class Calibration:
    """Temperature of the grades; line and threshold of the herniation's logit."""

    temperature: float
    herniation_slope: float
    herniation_intercept: float
    herniation_threshold: float

    def apply(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """A patient's readings with calibrated probabilities."""
        table = np.array(item["probs"], np.float32).reshape(-1, 5)
        said = self.herniation(np.array(item["herniated"], np.float64))
        return dict(item) | {"probs": sharpen(table, self.temperature).tolist(), "herniated": said.tolist()}

    def herniation(self, said: Any) -> Any:
        """Calibrated probabilities for raw ones."""
        return 1 / (1 + np.exp(-(_logit(said) * self.herniation_slope + self.herniation_intercept)))


def calibrate(items: Items) -> Calibration:
    """Fit on readings that were not calibrated yet."""
    truth, _, table = graded_pairs(items)
    temperature = fit_temperature(table, truth)
    herniated, said = herniation_pairs(items)
    if not 0 < herniated.sum() < len(herniated):
        return Calibration(temperature, 1.0, 0.0, MORE_LIKELY_THAN_NOT)
    line = LogisticRegression(C=10.0).fit(_logit(said)[:, None], herniated)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    return Calibration(temperature, slope, intercept, MORE_LIKELY_THAN_NOT)


def cross_calibrated(folds: Sequence[Items]) -> list[dict[str, Any]]:
    """Each fold calibrated by what was fitted on the others; with one fold, as it is."""
    if len(folds) < 2:
        return [dict(item) for fold in folds for item in fold]
    calibrated = []
    for number, fold in enumerate(folds):
        fitted = calibrate([item for other in (*folds[:number], *folds[number + 1 :]) for item in other])
        calibrated += [fitted.apply(item) for item in fold]
    return calibrated


def _logit(probabilities: Any) -> Any:
    clipped = np.clip(probabilities, 1e-5, 1 - 1e-5)
    return np.log(clipped / (1 - clipped))
