"""Mean average precision of slices, per grade and of discs whatever their grade, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ultralytics.utils.metrics import ap_per_class

from ml_backend.metrics import GRADES, MATCHED, matched_boxes
from ml_backend.ordinal import median_grade
from ml_backend.resampling import Patients, Values

Readings = Sequence[Mapping[str, Any]]
OVERLAPS = np.linspace(0.5, 0.95, 10)
MOST_RESAMPLES = 200
"""It is no sum over patients and slow to draw; the number is reported beside it."""
Detections = tuple[npt.NDArray[np.bool_], Values, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Of one patient: hits (found, overlaps), scores and grades (found,); true grades (discs,)."""


def average_precision(readings: Readings, *, resamples: int) -> dict[str, Any]:
    """mAP over the grades that have labels, and AP of discs whatever their grade, as Ultralytics counts."""
    by_patient: dict[str, list[Detections]] = defaultdict(list)
    plain: dict[str, list[Detections]] = defaultdict(list)
    for reading in readings:
        by_patient[reading["patient"]].append(_detections(reading))
        one = {**reading, "true_grades": [1] * len(reading["true_grades"])}
        one["probs"] = [[1.0, 0, 0, 0, 0]] * len(reading["probs"])
        plain[reading["patient"]].append(_detections(one))
    patients = Patients(list(by_patient), resamples=min(resamples, MOST_RESAMPLES))
    found: dict[str, Any] = {"resamples": len(patients.draws)}
    for name, rows in (("grades", by_patient), ("discs", plain)):
        value = _mean_precision([d for p in patients.names for d in rows[p]])
        drawn = [
            _mean_precision([d for p, n in zip(patients.names, draw, strict=True) for d in rows[p] * int(n)])
            for draw in patients.draws
        ]
        draws = np.array(drawn).reshape(-1, 2)
        found |= {
            f"{name}_map50": patients.described(value[0], draws[:, 0]),
            f"{name}_map50_95": patients.described(value[1], draws[:, 1]),
        }
    return found


def _detections(reading: Mapping[str, Any]) -> Detections:
    probabilities = np.array(reading["probs"], np.float32).reshape(-1, 5)
    said = median_grade(probabilities)
    truth = np.array([grade or 0 for grade in reading["true_grades"]], np.int64)
    undecided = {f for f, true in matched_boxes(reading, overlap=MATCHED) if truth[true] == 0}
    hits = np.zeros((len(said), len(OVERLAPS)), bool)
    for grade in GRADES:
        mine, theirs = np.flatnonzero(said == grade), np.flatnonzero(truth == grade)
        same = {
            "boxes": [reading["boxes"][i] for i in mine],
            "true_boxes": [reading["true_boxes"][i] for i in theirs],
        }
        for column, overlap in enumerate(OVERLAPS):
            for found, _ in matched_boxes(same, overlap=float(overlap)):
                hits[mine[found], column] = True
    kept = np.array([i for i in range(len(said)) if i not in undecided], int)
    scores = np.array(reading["scores"], float) * probabilities[np.arange(len(said)), said - 1]
    return hits[kept], scores[kept], said[kept], truth[truth > 0]


def _mean_precision(parts: Sequence[Detections]) -> tuple[float, float]:
    hits, scores, said, truth = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if not len(truth):
        return float("nan"), float("nan")
    if not len(said):
        return 0.0, 0.0
    precisions = ap_per_class(hits, scores, said, truth)[5]
    return float(precisions[:, 0].mean()), float(precisions.mean())
