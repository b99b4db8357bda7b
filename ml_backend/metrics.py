"""How good readings are against the truth, with intervals over patients.

Grades are compared by position: the i-th disc from below with the i-th graded one, so a wrong count costs
what it would cost a reader. Intervals: 95%, percentile bootstrap over patients (DESIGN.md, "Numbers").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from ml_backend.ordinal import median_grade

Items = Sequence[Mapping[str, Any]]
Statistic = Callable[[Items], float]
RESAMPLES = 2000
GRADES = (1, 2, 3, 4, 5)
MATCHED = 0.3
"""Overlap from which a found disc is a true one (DESIGN.md, "Matching")."""


def interval(
    items: Items, statistic: Statistic, *, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """A statistic of items with its 95% interval, patients drawn: `{"value", "low", "high", "patients"}`.

    The value is None where the statistic is undefined, for instance a recall without positives.
    """
    value = statistic(items)
    generator = np.random.default_rng(seed)
    of_patient: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        of_patient.setdefault(item["patient"], []).append(item)
    groups = list(of_patient.values())
    draws = []
    for _ in range(resamples if len(groups) > 1 else 0):
        chosen = generator.integers(len(groups), size=len(groups))
        drawn = statistic([item for i in chosen for item in groups[int(i)]])
        if np.isfinite(drawn):
            draws.append(drawn)
    low, high = np.percentile(draws, (2.5, 97.5)) if draws else (np.nan, np.nan)
    return {
        "value": _number(value),
        "low": _number(float(low)),
        "high": _number(float(high)),
        "patients": len(groups),
    }


def summarise(items: Items, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """All figures of a set of patients read from end to end."""
    boxed = [item for item in items if item["true_boxes"]]
    counts = [len(item["boxes"]) - len(item["true_grades"]) for item in items]

    def measure(chosen: Items, statistic: Statistic) -> dict[str, Any]:
        return interval(chosen, statistic, resamples=resamples)

    truth, predicted, _ = graded_pairs(items)
    return {
        "patients": len({item["patient"] for item in items}),
        "discs": len(truth),
        "detection": {
            "recall": measure(boxed, detection_recall),
            "precision": measure(boxed, detection_precision),
            "right_index": measure(boxed, right_index),
            "count_right": sum(c == 0 for c in counts),
            "count_one_more": sum(c == 1 for c in counts),
            "count_other": sum(c not in (0, 1) for c in counts),
        },
        "grades": {
            "kappa_linear": measure(items, _kappa("linear")),
            "kappa_quadratic": measure(items, _kappa("quadratic")),
            "within_one": measure(items, within_one),
            "percent_agreement": measure(items, agreement),
            "brier": measure(items, brier),
            "ranked_probability_score": measure(items, ranked_probability),
            "per_grade": {str(g): _per_grade(truth, predicted, g) for g in GRADES},
            "confusion": confusion(truth, predicted),
        },
        "herniation": {
            "auc": measure(items, herniation_auc),
            "discs": sum(len(herniation_pairs([item])[0]) for item in items),
            "herniated": int(herniation_pairs(items)[0].sum()),
        },
        "hiz": "not evaluable: no labels",
    }


def graded_pairs(
    items: Items,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """True grade, predicted grade and probabilities of all discs that have both."""
    truth, probabilities = [], []
    for item in items:
        for true, row in zip(item["true_grades"], item["probs"], strict=False):
            if true is not None:
                truth.append(true)
                probabilities.append(row)
    table = np.array(probabilities, np.float32).reshape(-1, 5)
    return np.array(truth, np.int64), median_grade(table), table


def herniation_pairs(items: Items) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Whether each disc is herniated, and the probability given."""
    pairs = [
        (true, said)
        for item in items
        for true, said in zip(item["true_herniated"], item["herniated"], strict=False)
        if true is not None
    ]
    return np.array([true for true, _ in pairs], np.int64), np.array([said for _, said in pairs], np.float64)


def detection_recall(items: Items) -> float:
    """Share of true discs found at IoU 0.5 or more."""
    matched, true, _ = _matches(items)
    return matched / true if true else float("nan")


def detection_precision(items: Items) -> float:
    """Share of found discs that are true ones."""
    matched, _, found = _matches(items)
    return matched / found if found else float("nan")


def right_index(items: Items) -> float:
    """Share of found true discs that are counted at their place from below."""
    right = total = 0
    for item in items:
        for found, true in matched_boxes(item):
            right, total = right + (found == true), total + 1
    return right / total if total else float("nan")


def matched_boxes(item: Mapping[str, Any], *, overlap: float = 0.5) -> list[tuple[int, int]]:
    """Pairs (found, true) of one patient's boxes, each used once, best overlaps first."""
    found, true = np.array(item["boxes"]).reshape(-1, 4), np.array(item["true_boxes"] or []).reshape(-1, 4)
    if not len(found) or not len(true):
        return []
    low, high = (
        np.maximum(found[:, None, :2], true[None, :, :2]),
        np.minimum(found[:, None, 2:], true[None, :, 2:]),
    )
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (found, true)]
    overlaps = shared / (areas[0][:, None] + areas[1][None] - shared)
    pairs: list[tuple[int, int]] = []
    for flat in np.argsort(-overlaps, axis=None):
        i, j = divmod(int(flat), len(true))
        if overlaps[i, j] < overlap:
            break
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def within_one(items: Items) -> float:
    """Share of discs graded right or one off."""
    truth, predicted, _ = graded_pairs(items)
    return float((np.abs(truth - predicted) <= 1).mean()) if len(truth) else float("nan")


def agreement(items: Items) -> float:
    """Share of discs graded right."""
    truth, predicted, _ = graded_pairs(items)
    return float((truth == predicted).mean()) if len(truth) else float("nan")


def brier(items: Items) -> float:
    """Mean squared distance of the probabilities from the truth, summed over the grades: 0 is perfect."""
    truth, _, table = graded_pairs(items)
    return float(((table - np.eye(5)[truth - 1]) ** 2).sum(axis=1).mean()) if len(truth) else float("nan")


def ranked_probability(items: Items) -> float:
    """Mean squared distance of the cumulated probabilities, over the four cuts: 0 is perfect."""
    truth, _, table = graded_pairs(items)
    if not len(truth):
        return float("nan")
    steps = np.cumsum(table, axis=1) - np.cumsum(np.eye(5)[truth - 1], axis=1)
    return float((steps[:, :4] ** 2).mean())


def herniation_auc(items: Items) -> float:
    """Area under the ROC curve of the herniation probability, per disc."""
    truth, said = herniation_pairs(items)
    return float(roc_auc_score(truth, said)) if 0 < truth.sum() < len(truth) else float("nan")


def confusion(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]) -> list[list[int]]:
    """5 x 5: rows are true grades, columns predicted ones."""
    table = np.zeros((5, 5), int)
    np.add.at(table, (truth - 1, predicted - 1), 1)
    return [[int(n) for n in row] for row in table]


def _kappa(weights: str) -> Statistic:
    def kappa(items: Items) -> float:
        truth, predicted, _ = graded_pairs(items)
        if len(set(truth.tolist()) | set(predicted.tolist())) < 2:
            return float("nan")
        return float(cohen_kappa_score(truth, predicted, weights=weights, labels=list(GRADES)))

    return kappa


def _per_grade(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], grade: int
) -> dict[str, float | int | None]:
    hits = int(((truth == grade) & (predicted == grade)).sum())
    true, said = int((truth == grade).sum()), int((predicted == grade).sum())
    recall, precision = hits / true if true else None, hits / said if said else None
    both = true + said
    return {
        "discs": true,
        "recall": _number(recall),
        "precision": _number(precision),
        "f1": _number(2 * hits / both if both else None),
    }


def _matches(items: Items) -> tuple[int, int, int]:
    """Matched, true and found discs."""
    matched = sum(len(matched_boxes(item)) for item in items)
    true = sum(len(item["true_boxes"] or []) for item in items)
    return matched, true, sum(len(item["boxes"]) for item in items)


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), 4)
