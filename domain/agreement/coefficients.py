"""Agreement coefficients as functions of `Moments`, over any batch axes; undefined is NaN here.

Callers turn NaN into a missing value with a reason (`domain.agreement.estimates`).
"""

from __future__ import annotations

import numpy as np

from domain.agreement.moments import IccSums, Moments
from domain.agreement.weights import Array

# Below this, a chance disagreement or a variance is rounding, not variation.
TINY = 1e-12


def ratio(numerator: Array, denominator: Array) -> Array:
    """numerator / denominator, NaN where the denominator is (about) zero."""
    denominator = np.asarray(denominator, dtype=np.float64)
    usable = np.abs(denominator) > TINY
    return np.where(usable, numerator / np.where(usable, denominator, 1.0), np.nan)


def _inner(weights: Array, matrix: Array) -> Array:
    flat = matrix.reshape(*matrix.shape[:-2], weights.size)
    return np.asarray(flat @ weights.ravel(), dtype=np.float64)


def observed(moments: Moments, weights: Array) -> Array:
    """Mean weighted agreement of two readers of a disc, over discs with two or more readings."""
    return ratio(_inner(weights, moments.agree), _inner(np.ones_like(weights), moments.agree))


def _corrected(agreement: Array, chance: Array) -> Array:
    return ratio(agreement - chance, 1.0 - chance)


def kappa(moments: Moments, weights: Array) -> Array:
    """Cohen's kappa for two readers, Conger's for more (Conger 1980, Psychol Bull 88:322), weighted.

    Readers without a reading are left out of the chance agreement.
    """
    return _corrected(observed(moments, weights), kappa_chance(moments, weights))


def kappa_chance(moments: Moments, weights: Array) -> Array:
    """Mean over ordered pairs of different readers of the agreement their margins give by chance."""
    read = moments.margins.sum(-1, keepdims=True)
    shares = moments.margins / np.maximum(read, TINY)
    times = (read[..., 0] > 0).astype(np.float64)
    if moments.times is not None:
        times = times * moments.times
    total = (times[..., None] * shares).sum(-2)
    same = (times**2 * _quadratic_form(weights, shares)).sum(-1)
    return ratio(_quadratic_form(weights, total) - same, times.sum(-1) ** 2 - (times**2).sum(-1))


def _quadratic_form(weights: Array, vectors: Array) -> Array:
    return np.asarray(((vectors @ weights) * vectors) @ np.ones(len(weights)), dtype=np.float64)


def gwet(moments: Moments, weights: Array) -> Array:
    """Gwet's AC1 (identity weights) and AC2 (Gwet 2008, Br J Math Stat Psychol 61:29).

    The number of categories is that of the scale, used or not.
    """
    return _corrected(observed(moments, weights), gwet_chance(moments, weights))


def gwet_chance(moments: Moments, weights: Array) -> Array:
    """Chance agreement of AC1 and AC2."""
    k = weights.shape[0]
    share = ratio(moments.shares, moments.shares.sum(-1, keepdims=True))
    return np.asarray(weights.sum() / (k * (k - 1)) * (share * (1.0 - share)).sum(-1))


def alpha_nominal(moments: Moments) -> Array:
    """Krippendorff's alpha, nominal difference."""
    k = moments.coincidences.shape[-1]
    return _alpha(moments.coincidences, 1.0 - np.eye(k))


def alpha_interval(moments: Moments) -> Array:
    """Krippendorff's alpha, squared difference of the grades."""
    rank = np.arange(moments.coincidences.shape[-1], dtype=np.float64)
    return _alpha(moments.coincidences, (rank[:, None] - rank) ** 2)


def alpha_ratio(moments: Moments) -> Array:
    """Krippendorff's alpha, squared difference over sum of the grades 1 to K."""
    grade = np.arange(1, moments.coincidences.shape[-1] + 1, dtype=np.float64)
    return _alpha(moments.coincidences, ((grade[:, None] - grade) / (grade[:, None] + grade)) ** 2)


def alpha_ordinal(moments: Moments) -> Array:
    """Krippendorff's alpha, ordinal difference: squared distance of the categories' mid-ranks.

    Not Gwet's "ordinal weights" (which give 0.834 where this gives 0.815 on Krippendorff's data C).
    """
    k = moments.coincidences.shape[-1]
    values = moments.coincidences @ np.ones(k)
    total = values @ np.ones(k)
    mid = np.cumsum(values, -1) - values / 2
    mid = mid - ratio((values * mid) @ np.ones(k), total)[..., None]
    # sum o (m_c - m_k)^2 = 2 (sum n m^2 - m' o m); sum n_c n_k (m_c - m_k)^2 = 2 n sum n m^2 with m centred.
    spread = (values * mid * mid) @ np.ones(k)
    crossed = ((moments.coincidences @ mid[..., None])[..., 0] * mid) @ np.ones(k)
    return np.asarray(1.0 - (total - 1) * ratio(spread - crossed, total * spread))


def _alpha(coincidences: Array, difference: Array) -> Array:
    """1 - (n - 1) sum o_ck d_ck / sum n_c n_k d_ck (Krippendorff 2019, Content Analysis, section 12.3)."""
    ones = np.ones(coincidences.shape[-1])
    values = coincidences @ ones
    total = values @ ones
    seen, expected = _inner(difference, coincidences), ((values @ difference) * values) @ ones
    return np.asarray(1.0 - (total - 1) * ratio(seen, expected))


def icc_2_1(sums: IccSums) -> Array:
    """ICC(2,1): two-way random effects, absolute agreement, one reader (Shrout and Fleiss 1979)."""
    discs, readers = sums.discs, float(sums.readers.shape[-1])
    grand = sums.readers.sum(-1)
    usable = discs > 1
    safe = np.where(usable, discs, 2.0)
    correction = grand**2 / (safe * readers)
    between = sums.squared_rows / readers - correction
    by_reader = (sums.readers**2).sum(-1) / safe - correction
    error = sums.squares - correction - between - by_reader
    ms_between = between / (safe - 1)
    ms_reader = by_reader / max(readers - 1, 1.0)
    ms_error = error / ((safe - 1) * max(readers - 1, 1.0))
    spread = ms_between + (readers - 1) * ms_error + readers * (ms_reader - ms_error) / safe
    return np.where(usable & (readers > 1), ratio(ms_between - ms_error, spread), np.nan)


def specific_agreement(moments: Moments) -> Array:
    """(..., K): of the readings in a category, the share that another reader of the disc puts there too.

    For two readers this is 2a / (2a + b + c); for more, Fleiss 1971 extended to unequal numbers of readers.
    """
    same = np.diagonal(moments.pairs, axis1=-2, axis2=-1)
    return ratio(same, moments.pairs.sum(-1))
