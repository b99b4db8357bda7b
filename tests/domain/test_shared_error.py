"""The error two readers share, against values worked out by hand."""

from __future__ import annotations

import random

import pytest

from domain.shared_error import Checked, shared_error


def test_by_hand() -> None:
    """Weights 2, 2, 10, 10; the first and third overturned: 12 of 24.

    Residuals w(y - 1/2): patient a 1 - 1 = 0, b 5, c -5. Variance 3/2 * 50 / 24^2 = 0.130208, se 0.360844,
    t(2) = 4.302653: wider than the whole range.
    """
    found = shared_error(
        [Checked("a", 0.5, True), Checked("a", 0.5, False), Checked("b", 0.1, True), Checked("c", 0.1, False)]
    )
    assert (found.discs, found.overturned, found.value) == (4, 2, 0.5)
    assert (found.low, found.high) == (0, 1)


def test_an_interval_by_hand() -> None:
    """Twelve patients with one disc each, weight 20, three overturned: 1/4.

    Variance 12/11 * 20^2 * (3 * 9/16 + 9 * 1/16) / 240^2 = 3/176, se 0.130558, t(11) = 2.200985.
    """
    found = shared_error([Checked(str(n), 0.05, n < 3) for n in range(12)])
    assert found.value == pytest.approx(0.25)
    assert found.low == 0
    assert found.high == pytest.approx(0.25 + 2.200985 * 0.130558, abs=1e-5)


@pytest.mark.parametrize("overturned", [False, True])
def test_none_or_all_still_leaves_doubt(overturned: bool) -> None:
    """Of ten patients none: up to 1 - 0.025^(1/10) = 0.308497, however many discs each has."""
    found = shared_error([Checked(str(n % 10), 0.05, overturned) for n in range(50)])
    bounds = (1 - 0.308497, 1) if overturned else (0, 0.308497)
    assert found.low == pytest.approx(bounds[0], abs=1e-6)
    assert found.high == pytest.approx(bounds[1], abs=1e-6)


def test_too_little_says_so() -> None:
    nothing = shared_error([])
    assert (nothing.discs, nothing.value, nothing.low) == (0, None, None)
    one = shared_error([Checked("a", 0.05, True), Checked("a", 0.05, False)])
    assert (one.value, one.low, one.high) == (0.5, None, None)


@pytest.mark.parametrize("inclusion", [0, -0.1, 1.1, float("nan")])
def test_an_inclusion_is_a_probability(inclusion: float) -> None:
    with pytest.raises(ValueError, match="inclusion probability"):
        Checked("a", inclusion, True)


def test_weights_undo_an_uneven_sample() -> None:
    """A population of 4,000 discs with 10% error, drawn ten times likelier where there is none."""
    draw = random.Random(5)
    values = []
    for _ in range(200):
        population = [(n, n % 10 == 0) for n in range(4000)]
        rates = {True: 0.02, False: 0.2}
        sample = [Checked(str(n), rates[bad], bad) for n, bad in population if draw.random() < rates[bad]]
        values.append(shared_error(sample).value or 0)
    assert sum(values) / 200 == pytest.approx(0.1, abs=0.01)
