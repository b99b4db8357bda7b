"""Published values: Krippendorff's data C, Gwet's four raters, and Gwet's abstractors."""

import numpy as np
import pytest

from domain.agreement import coefficients as c
from domain.agreement import weights as w
from domain.agreement.moments import ManyReaders, Moments, from_tables

BLANK = 0
FOUR_READERS = [
    [1, 1, BLANK, 1],
    [2, 2, 3, 2],
    [3, 3, 3, 3],
    [3, 3, 3, 3],
    [2, 2, 2, 2],
    [1, 2, 3, 4],
    [4, 4, 4, 4],
    [1, 1, 2, 1],
    [2, 2, 2, 2],
    [BLANK, 5, 5, 5],
    [BLANK, BLANK, 1, 1],
    [BLANK, BLANK, 3, BLANK],
]
"""Krippendorff's data C, which is also Gwet's raw example."""
ABSTRACTORS = np.array([[13.0, 0, 0], [0, 20, 7], [0, 4, 56]])


@pytest.fixture
def moments() -> Moments:
    codes = np.array(FOUR_READERS, np.int8) - 1
    many = ManyReaders(5, 4)
    _, cell, amount = many.features(codes)
    return many.moments(np.bincount(cell, amount, many.size).astype(np.float64))


@pytest.mark.parametrize(
    ("alpha", "value"),
    [
        (c.alpha_nominal, 0.743),
        (c.alpha_ordinal, 0.815),
        (c.alpha_interval, 0.849),
        (c.alpha_ratio, 0.797),
    ],
)
def test_krippendorff_c(moments: Moments, alpha: object, value: float) -> None:
    assert callable(alpha)
    assert alpha(moments) == pytest.approx(value, abs=5e-4)


def test_gwet_four_raters(moments: Moments) -> None:
    assert c.gwet(moments, w.identity(5)) == pytest.approx(0.775, abs=5e-4)
    assert c.gwet(moments, w.quadratic(5)) == pytest.approx(0.914, abs=5e-4)


def test_abstractors() -> None:
    table = from_tables(ABSTRACTORS)
    assert c.kappa(table, w.linear(3)) == pytest.approx(0.843, abs=5e-4)
    assert c.kappa(table, w.quadratic(3)) == pytest.approx(0.892, abs=5e-4)


def test_moments_of_a_table_are_those_of_its_discs() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 5, (40, 2)).astype(np.int8)
    many = ManyReaders(5, 2)
    _, cell, amount = many.features(codes)
    by_disc = many.moments(np.bincount(cell, amount, many.size).astype(np.float64))
    table = np.bincount(codes[:, 0].astype(int) * 5 + codes[:, 1], minlength=25).reshape(5, 5).astype(float)
    by_table = from_tables(table)
    for name in ("agree", "coincidences", "pairs", "shares", "margins"):
        np.testing.assert_allclose(getattr(by_disc, name), getattr(by_table, name))
    assert c.icc_2_1(by_disc.icc) == pytest.approx(float(c.icc_2_1(by_table.icc)))
