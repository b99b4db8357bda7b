"""What exists for two readers only, from their cross-tables (..., K, K), first reader in rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.agreement.coefficients import TINY, ratio
from domain.agreement.weights import Array


def signed_difference(tables: Array) -> Array:
    """Mean of second minus first reader's grade."""
    rank = np.arange(tables.shape[-1], dtype=np.float64)
    return ratio((tables * (rank - rank[:, None])).sum((-1, -2)), tables.sum((-1, -2)))


def maximum_kappa(tables: Array, weights: Array) -> Array:
    """The largest weighted kappa that the two readers' margins allow.

    The grades of both are matched in rank order, which is the best any table with these margins can do for
    every weight that falls with distance (Cohen 1960; Umesh et al. 1989, Educ Psychol Meas 49:835).
    """
    total = tables.sum((-1, -2))
    rows = ratio(tables.sum(-1), total[..., None])
    columns = ratio(tables.sum(-2), total[..., None])
    best = (_best_coupling(rows, columns, weights) * weights).sum((-1, -2))
    chance = np.einsum("...i,ij,...j->...", rows, weights, columns)
    return ratio(best - chance, 1.0 - chance)


def _best_coupling(rows: Array, columns: Array, weights: Array) -> Array:
    if np.array_equal(weights, np.eye(len(weights))):
        # Without order, all that both use of a category can meet; what is left over disagrees anyway.
        return np.asarray(np.minimum(rows, columns)[..., None] * np.eye(len(weights)))
    upper, other = np.cumsum(rows, -1), np.cumsum(columns, -1)
    lower, below = upper - rows, other - columns
    top = np.minimum(upper[..., :, None], other[..., None, :])
    bottom = np.maximum(lower[..., :, None], below[..., None, :])
    return np.asarray(np.maximum(top - bottom, 0.0))


def prevalence_index(tables: Array) -> Array:
    """(..., K): (a - d) / n of each category against the rest (Byrt et al. 1993, J Clin Epidemiol 46:423)."""
    both = np.diagonal(tables, axis1=-2, axis2=-1)
    total = tables.sum((-1, -2))[..., None]
    neither = total - tables.sum(-1) - tables.sum(-2) + both
    return ratio(both - neither, total)


def bias_index(tables: Array) -> Array:
    """(..., K): the first reader's share of each category minus the second's."""
    return ratio(tables.sum(-1) - tables.sum(-2), tables.sum((-1, -2))[..., None])


def kappa_standard_error(table: Array, weights: Array) -> float:
    """Large-sample standard error of weighted kappa, discs independent (Fleiss, Cohen and Everitt 1969)."""
    n = table.sum()
    if n == 0:
        return float("nan")
    p = table / n
    rows, columns = p.sum(1), p.sum(0)
    chance = float(rows @ weights @ columns)
    if 1.0 - chance <= TINY:
        return float("nan")
    value = (float((p * weights).sum()) - chance) / (1.0 - chance)
    mean = (weights @ columns)[:, None] + (rows @ weights)[None, :]
    spread = (p * (weights - mean * (1.0 - value)) ** 2).sum() - (value - chance * (1.0 - value)) ** 2
    return float(np.sqrt(max(spread, 0.0) / n) / (1.0 - chance))


def gwet_standard_error(counts: Array, amounts: Array, weights: Array) -> float:
    """Gwet's standard error of AC1 and AC2, discs independent, infinite population (Gwet 2008).

    Args:
        counts: (N, K) readers who put a disc in each category.
        amounts: (N,) how many discs have these counts.
        weights: (K, K).
    """
    k = len(weights)
    read = counts.sum(1)
    counts, amounts, read = counts[read > 0], amounts[read > 0], read[read > 0]
    n, several = amounts.sum(), (read >= 2).astype(np.float64)
    if n < 2 or (amounts * several).sum() == 0:
        return float("nan")
    share = (amounts[:, None] * counts / read[:, None]).sum(0) / n
    scale = weights.sum() / (k * (k - 1))
    chance = scale * float((share * (1 - share)).sum())
    together = (counts * (counts @ weights - 1)).sum(1) / np.maximum(read * (read - 1), 1)
    each = n / (amounts * several).sum() * several * (together - chance) / (1 - chance)
    value = float((amounts * each).sum() / n)
    own_chance = scale * (counts @ (1 - share)) / read
    linearised = each - 2 * (1 - value) * (own_chance - chance) / (1 - chance)
    return float(np.sqrt((amounts * (linearised - value) ** 2).sum() / (n * (n - 1))))


@dataclass(frozen=True)
class ChiSquare:
    """A test statistic; `p` is None with a reason where the test is not defined."""

    statistic: float | None
    df: int | None
    p: float | None
    reason: str | None = None


def marginal_homogeneity(patient_tables: Array, clustered: bool) -> ChiSquare:
    """Whether two readers use the categories equally often.

    Args:
        patient_tables: (P, K, K) cross-tables of the patients.
        clustered: False is Stuart-Maxwell (for K = 2 McNemar without continuity correction), discs taken as
            independent. True takes the covariance between patients instead (Durkalski et al. 2003, Stat Med
            22:2417, and its extension to K categories).
    """
    table = patient_tables.sum(0)
    used = (table.sum(0) + table.sum(1)) > 0
    moved = table - np.diag(np.diag(table))
    used &= (moved.sum(0) + moved.sum(1)) > 0
    if not used.any():
        return ChiSquare(None, None, None, "the two readers never differ, so there is nothing to test")
    # One category follows from the others.
    keep = np.flatnonzero(used)[:-1]
    ones = np.ones(len(table))
    by_patient = (patient_tables @ ones - np.matmul(ones, patient_tables))[:, keep]
    difference = by_patient.sum(0)
    if clustered:
        covariance = by_patient.T @ by_patient
    else:
        covariance = -(table + table.T)
        np.fill_diagonal(covariance, table.sum(0) + table.sum(1) - 2 * np.diag(table))
        covariance = covariance[np.ix_(keep, keep)]
    return _wald(difference, covariance)


def _wald(difference: Array, covariance: Array) -> ChiSquare:
    rank = int(np.linalg.matrix_rank(covariance))
    if rank < len(difference):
        return ChiSquare(None, None, None, "too few differing discs to estimate their covariance")
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    return ChiSquare(statistic, rank, float(stats.chi2.sf(statistic, rank)))


def mcnemar_exact(table: NDArray[np.float64]) -> float | None:
    """Exact two-sided McNemar p of a 2 x 2 table, discs independent; None where the readers never differ."""
    one, other = int(table[0, 1]), int(table[1, 0])
    if one + other == 0:
        return None
    return float(min(1.0, 2.0 * stats.binom.cdf(min(one, other), one + other, 0.5)))
