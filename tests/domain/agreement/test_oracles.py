"""200 random tables against scikit-learn, statsmodels, krippendorff, irrCAC and pingouin.

Their answers are in tests/oracles/agreement.json; docs/decisions/0200 says how they are made comparable.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.agreement import coefficients as c
from domain.agreement import pair
from domain.agreement import weights as w
from domain.agreement.moments import Codes, ManyReaders, Moments, cells_of_pair, counts, from_tables

ORACLE = Path(__file__).parents[2] / "oracles" / "agreement.json"
CASES: list[dict[str, Any]] = json.loads(ORACLE.read_text(encoding="utf-8"))["cases"]
WEIGHTS = {"": w.identity(5), "_linear": w.linear(5), "_quadratic": w.quadratic(5)}


def exactly(value: float) -> Any:
    """Equal to 1e-9."""
    return pytest.approx(value, rel=1e-9, abs=1e-9)


def codes_of(case: dict[str, Any]) -> Codes:
    return np.array([[-1 if v is None else v - 1 for v in row] for row in case["ratings"]], np.int8)


def moments_of(codes: Codes) -> Moments:
    many = ManyReaders(5, codes.shape[1])
    _, cell, amount = many.features(codes)
    return many.moments(np.bincount(cell, amount, many.size).astype(np.float64))


def test_there_are_200_tables_of_2_to_6_readers() -> None:
    assert len(CASES) == 200
    assert {len(case["ratings"][0]) for case in CASES} == {2, 3, 4, 5, 6}


@pytest.mark.parametrize("suffix", WEIGHTS)
def test_gwet_and_conger_equal_irrcac(suffix: str) -> None:
    weights = WEIGHTS[suffix]
    for case in CASES:
        codes, theirs = codes_of(case), case["irrCAC"]
        moments = moments_of(codes)
        name = f"ac2{suffix}" if suffix else "ac1"
        assert c.gwet(moments, weights) == exactly(theirs[name])
        assert c.kappa(moments, weights) == exactly(theirs[f"conger{suffix}"])
        rated = codes[(codes >= 0).any(1)]
        error = pair.gwet_standard_error(counts(rated, 5), np.ones(len(rated)), weights)
        assert error == exactly(theirs[f"se_{name}"])


def test_alphas_equal_krippendorff() -> None:
    for case in CASES:
        moments = moments_of(codes_of(case))
        for name, value in case["krippendorff"].items():
            assert getattr(c, name)(moments) == exactly(value)


def test_icc_equals_pingouin() -> None:
    compared = 0
    for case in CASES:
        if case["pingouin"]:
            assert c.icc_2_1(moments_of(codes_of(case)).icc) == exactly(case["pingouin"]["icc_2_1"])
            compared += 1
    assert compared > 150


def table_of(codes: Codes, categories: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    _, cell = cells_of_pair(codes, categories)
    return np.bincount(cell, minlength=categories**2).reshape(categories, categories).astype(np.float64)


def test_kappas_equal_scikit_learn_and_their_errors_statsmodels() -> None:
    compared = 0
    for case in CASES:
        theirs = case["two"]
        if not theirs:
            continue
        table = table_of(codes_of(case)[:, :2], 5)
        assert table.sum() == theirs["paired"]
        for suffix, weights in WEIGHTS.items():
            assert c.kappa(from_tables(table), weights) == exactly(theirs[f"kappa{suffix}"])
            error = pair.kappa_standard_error(table, weights)
            assert error == exactly(theirs[f"se_kappa{suffix}"])
        assert pair.maximum_kappa(table, w.identity(5)) == exactly(theirs["kappa_max"])
        compared += 1
    assert compared > 150


def test_stuart_maxwell_equals_statsmodels() -> None:
    compared = 0
    for case in CASES:
        if "stuart_maxwell" in case["two"]:
            ours = pair.marginal_homogeneity(table_of(codes_of(case)[:, :2], 5)[None], clustered=False)
            if ours.statistic is None:
                assert ours.reason
                continue
            statistic, df, p = case["two"]["stuart_maxwell"]
            assert (ours.statistic, ours.df, ours.p) == (
                exactly(statistic),
                df,
                exactly(p),
            )
            compared += 1
    assert compared > 120


def test_presence_equals_scikit_learn_and_statsmodels() -> None:
    for case in CASES:
        if not case["two"]:
            continue
        theirs = case["two"]["presence"]
        codes = codes_of(case)[:, :2]
        table = table_of(np.where(codes < 0, -1, codes >= 3).astype(np.int8), 2)
        assert table.tolist() == theirs["table"]
        kappa = c.kappa(from_tables(table), w.identity(2))
        if theirs["kappa"] is None:
            assert np.isnan(kappa)
        else:
            assert kappa == exactly(theirs["kappa"])
        exact = pair.mcnemar_exact(table)
        if exact is not None:
            assert exact == exactly(theirs["mcnemar_exact"])
            ours = pair.marginal_homogeneity(table[None], clustered=False)
            assert ours.p == exactly(theirs["mcnemar"])
