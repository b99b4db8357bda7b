"""Distributions over grades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.ordinal import entropy, fit_temperature, median_grade, sharpen, smooth_targets

rows = st.lists(st.floats(0.01, 1), min_size=5, max_size=5).map(lambda p: np.array([p], np.float32) / sum(p))


def test_neighbouring_grades_get_some_weight_and_rows_stay_sums_of_one() -> None:
    smoothed = smooth_targets(np.eye(5, dtype=np.float32))
    assert smoothed.sum(axis=1) == pytest.approx(1)
    assert (smoothed.argmax(axis=1) == np.arange(5)).all()
    assert smoothed[0, 2] == 0


def test_the_shown_grade_is_the_median() -> None:
    table = np.array([[0.4, 0.1, 0.1, 0.4, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]], np.float32)
    assert median_grade(table).tolist() == [2, 5, 1]


@given(rows, st.floats(0.3, 5))
def test_a_temperature_keeps_the_order_and_the_sum(row: np.ndarray, temperature: float) -> None:  # type: ignore[type-arg]
    sharpened = sharpen(row, temperature)
    assert sharpened.sum() == pytest.approx(1, abs=1e-4)
    assert sharpened[0, row.argmax()] == pytest.approx(sharpened.max(), abs=1e-6)
    assert 1 <= median_grade(row)[0] <= 5
    assert -1e-6 <= entropy(row)[0] <= 1 + 1e-6


def test_the_temperature_that_made_overconfident_answers_is_found() -> None:
    generator = np.random.default_rng(0)
    honest = generator.dirichlet([1.0] * 5, 4000).astype(np.float32)
    grades = np.array([generator.choice(5, p=row / row.sum()) + 1 for row in honest.astype(np.float64)])
    assert fit_temperature(sharpen(honest, 0.5), grades) == pytest.approx(2, rel=0.1)
