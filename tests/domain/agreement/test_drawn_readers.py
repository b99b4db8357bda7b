"""Readers drawn with the patients."""

from typing import Any

import numpy as np
import pytest

from domain.agreement import Readings
from domain.agreement.coefficients import kappa
from domain.agreement.drawn_readers import DrawnReaders
from domain.agreement.moments import ManyReaders
from domain.agreement.weights import linear
from tests.domain.agreement.tables import columns, quick


def by_hand(grades: Any, drawn: list[int]) -> float:
    """Conger's linear kappa of drawn readers, pair by pair of positions that hold different readers."""
    cells = [(a, b) for a in drawn for b in drawn if a != b]
    weight = 1 - np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / 4
    share = [np.bincount(grades[:, r] - 1, minlength=5) / len(grades) for r in range(grades.shape[1])]
    seen = np.mean([weight[grades[:, a] - 1, grades[:, b] - 1].mean() for a, b in cells])
    chance = np.mean([share[a] @ weight @ share[b] for a, b in cells])
    return float((seen - chance) / (1 - chance))


def test_readers_drawn_with_the_patients_give_wider_intervals() -> None:
    table = columns(60, 5)
    table["pfirrmann"] = [
        min(5, g + (r == "E")) for g, r in zip(table["pfirrmann"], table["reader"], strict=True)
    ]
    fixed, drawn = (quick(Readings.from_columns(table), resample_readers=on) for on in (False, True))
    for name in ("kappa_linear", "ac2_linear", "alpha_ordinal", "percent_agreement"):
        one, other = getattr(fixed, name), getattr(drawn, name)
        assert other.value == pytest.approx(one.value)
        assert (other.se or 0) > 1.5 * (one.se or 1)
    assert (drawn.herniation.kappa.se or 0) > (fixed.herniation.kappa.se or 1)
    assert drawn.icc_2_1.value == pytest.approx(fixed.icc_2_1.value)
    assert "no interval" in (drawn.icc_2_1.reason or "")
    assert drawn.pairs == fixed.pairs
    assert drawn.settings.readers_resampled
    assert "drawn with replacement" in drawn.methods
    few = quick(Readings.from_columns(columns(20, 3)), resample_readers=True)
    assert few.kappa_linear == quick(Readings.from_columns(columns(20, 3))).kappa_linear
    assert any("readers were not resampled" in note for note in few.notes)


def test_moments_of_drawn_readers_are_those_of_their_pairs() -> None:
    codes = np.random.default_rng(3).integers(0, 5, (30, 4)).astype(np.int8)
    many = ManyReaders(5, 4)
    drawn = DrawnReaders(many, codes, 1)
    _, cell, amount = drawn.features(codes)
    sums = np.bincount(cell, amount, drawn.size).astype(float)[None]
    for times in ([1, 1, 1, 1], [2, 1, 1, 0], [3, 0, 0, 1], [0, 2, 2, 0]):
        moments = drawn.moments(sums, np.array([times], float))
        readers = [r for r, often in enumerate(times) for _ in range(often)]
        assert kappa(moments, linear(5))[0, 0] == pytest.approx(by_hand(codes + 1, readers))
    whole = drawn.moments(sums, np.ones((1, 4)))
    _, cell, amount = many.features(codes)
    plain = many.moments(np.bincount(cell, amount, many.size).astype(float))
    for name in ("agree", "coincidences", "pairs", "shares", "margins"):
        np.testing.assert_allclose(getattr(whole, name)[0, 0], getattr(plain, name))
    assert np.isnan(kappa(drawn.moments(sums, np.array([[4.0, 0, 0, 0]])), linear(5)))


def test_readers_are_drawn_where_they_rotate() -> None:
    table = columns(60, 4)
    keep = [
        (int(p[1:]) + "ABCD".index(r)) % 4 < 3 for p, r in zip(table["patient"], table["reader"], strict=True)
    ]
    rotating = {name: [v for v, k in zip(values, keep, strict=True) if k] for name, values in table.items()}
    done = quick(Readings.from_columns(rotating), resample_readers=True)
    assert done.kappa_linear.low is not None
    assert (done.n.paired, len(done.pairs)) == (300, 6)
