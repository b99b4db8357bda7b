"""Figures of readings against the truth, on made-up patients whose figures are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ml_backend.calibration import calibrate, cross_calibrated
from ml_backend.metrics import (
    brier,
    detection_precision,
    detection_recall,
    interval,
    ranked_probability,
    right_index,
    summarise,
    within_one,
)


def patient(grades: list[int | None], said: list[int], *, shift: int = 0, name: str = "p") -> dict[str, Any]:
    """A patient whose discs lie 40 pixels apart; `shift` moves the found ones up by whole discs."""
    true = [[0.0, 400 - 40 * i, 50, 420 - 40 * i] for i in range(len(grades))]
    found = [[0.0, 400 - 40 * (i + shift), 50, 420 - 40 * (i + shift)] for i in range(len(said))]
    return {
        "patient": name,
        "boxes": found,
        "true_boxes": true,
        "probs": np.eye(5)[np.array(said) - 1].tolist(),
        "true_grades": grades,
        "herniated": [0.9 if grade == 5 else 0.1 for grade in said],
        "true_herniated": [None if grade is None else int(grade == 5) for grade in grades],
    }


def test_perfect_readings_have_perfect_figures() -> None:
    items = [patient([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) for _ in range(4)]
    figures = summarise(items, resamples=50)
    assert figures["detection"]["recall"]["value"] == 1
    assert figures["grades"]["kappa_linear"]["value"] == 1
    assert figures["grades"]["confusion"] == (4 * np.eye(5, dtype=int)).tolist()
    assert figures["herniation"]["auc"]["value"] == 1
    assert figures["grades"]["brier"]["value"] == 0
    assert figures["hiz"].startswith("not evaluable")


def test_a_column_found_one_disc_too_high_has_no_right_index() -> None:
    item = patient([1, 2, 3, 4, 5], [2, 3, 4, 5], shift=1)
    assert detection_recall([item]) == pytest.approx(0.8)
    assert detection_precision([item]) == 1
    assert right_index([item]) == 0
    assert within_one([item]) == 1


def test_discs_that_nobody_graded_do_not_count() -> None:
    item = patient([1, None, 3], [1, 5, 3])
    assert within_one([item]) == 1
    assert summarise([item], resamples=0)["discs"] == 2


def test_probability_scores_of_a_uniform_answer() -> None:
    item = patient([3], [3])
    item["probs"] = [[0.2] * 5]
    assert brier([item]) == pytest.approx(0.8)
    assert ranked_probability([item]) == pytest.approx((0.04 + 0.16 + 0.16 + 0.04) / 4)


def test_the_interval_is_over_patients_and_holds_the_value() -> None:
    generator = np.random.default_rng(1)
    said = [[int(g) for g in generator.integers(2, 6, 5)] for _ in range(30)]
    items = [patient([3] * 5, row, name=f"p{i}") for i, row in enumerate(said)]
    found = interval(items, within_one, resamples=200)
    assert found["low"] < found["value"] < found["high"]
    assert found["patients"] == 30


def test_slices_of_one_patient_are_drawn_together() -> None:
    items = [patient([3], [3 if good else 5], name=f"p{good}") for good in (False, True) for _ in range(20)]
    found = interval(items, within_one, resamples=200)
    assert (found["low"], found["high"], found["patients"]) == (0, 1, 2)


def test_calibration_is_never_fitted_on_the_fold_it_is_applied_to() -> None:
    sure_and_wrong = [patient([1, 2, 3, 4, 5], [2, 3, 4, 5, 4]) for _ in range(5)]
    sure_and_right = [patient([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) for _ in range(5)]
    assert calibrate(sure_and_wrong).temperature > calibrate(sure_and_right).temperature
    crossed = cross_calibrated([sure_and_wrong, sure_and_right])
    assert max(crossed[0]["probs"][0]) > 0.99
    assert max(crossed[-1]["probs"][0]) < 0.9
