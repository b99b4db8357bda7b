"""From a statistic's value in the data and in the resamples to what is reported."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats

from domain.agreement.weights import Array

CONFIDENCE = 0.95
# An interval needs the statistic to be defined in at least this share of the resamples.
DEFINED_SHARE = 0.9

NO_PAIR = "no disc was read by two readers"
ONE_PATIENT = "one patient: resampling patients gives no interval"
COLLAPSED = "every resample gives the same value, so the interval shows no width"


class Reported(BaseModel):
    """Base of what the report holds: frozen, no NaN, no infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Statistic(Reported):
    """A value with its 95% interval; what is missing is null and `reason` says why."""

    value: float | None
    low: float | None = None
    """Lower percentile of the patient bootstrap (2.5th, a little less with few patients: `tail`)."""
    high: float | None = None
    """Upper percentile."""
    se: float | None = None
    """Standard deviation over the resamples of patients."""
    se_analytic: float | None = None
    """The textbook's large-sample standard error, which takes discs for independent; where one exists."""
    reason: str | None = None


def missing(reason: str) -> Statistic:
    """A statistic that is not defined here."""
    return Statistic(value=None, reason=reason)


def summarise(
    replicates: Array, *, undefined: str, patients: int, se_analytic: float | None = None
) -> Statistic:
    """One statistic from (1 + B,) values: observed first, then the resamples, NaN where undefined."""
    return summarise_all(
        np.asarray(replicates)[:, None], undefined=[undefined], patients=[patients], se_analytic=[se_analytic]
    )[0]


def summarise_all(
    replicates: Array,
    *,
    undefined: list[str],
    patients: list[int],
    se_analytic: list[float | None] | None = None,
) -> list[Statistic]:
    """Statistics from (1 + B, S) values; the lists have S entries."""
    observed, resampled = replicates[0], replicates[1:]
    low, high, spread, defined = _quantiles(resampled, np.array([tail(p) for p in patients]))
    analytic = se_analytic or [None] * len(observed)
    out = []
    for s, value in enumerate(observed):
        if not np.isfinite(value):
            out.append(missing(undefined[s]))
            continue
        se = finite(analytic[s])
        why = _no_interval(defined[s], len(resampled), patients[s])
        if why:
            out.append(Statistic(value=float(value), se_analytic=se, reason=why))
            continue
        reason = COLLAPSED if high[s] - low[s] < 1e-12 else None
        out.append(
            Statistic(
                value=float(value),
                low=float(low[s]),
                high=float(high[s]),
                se=float(spread[s]),
                se_analytic=se,
                reason=reason,
            )
        )
    return out


def finite(value: float | None) -> float | None:
    """The number, or None for NaN and infinity."""
    return None if value is None or not np.isfinite(value) else float(value)


def _no_interval(defined: int, resamples: int, patients: int) -> str | None:
    if patients <= 1:
        return ONE_PATIENT
    if resamples < 2:
        return "no resamples were asked for"
    if defined < DEFINED_SHARE * resamples:
        undefined = resamples - defined
        return f"not defined in {undefined} of {resamples} resamples: too little variation for an interval"
    return None


@lru_cache
def tail(patients: int) -> float:
    """Share of the resamples beyond each limit of the 95% interval.

    A bootstrap of P patients is too narrow by sqrt((P - 1) / P) and by using the normal for Student's t; the
    percentiles are moved out by as much (Hesterberg 2015, Am Stat 69:371, the expanded percentile interval).
    0.025 for many patients, 0.020 for 40, 0.016 for 20.
    """
    if patients < 2:
        return (1 - CONFIDENCE) / 2
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, patients - 1)
    return float(stats.norm.sf(np.sqrt(patients / (patients - 1)) * quantile))


def _quantiles(resampled: Array, tails: Array) -> tuple[Array, Array, Array, Array]:
    """Percentile limits, standard deviation and number of defined values of each column of (B, S)."""
    ordered = np.sort(resampled, axis=0)  # NaN last
    good = np.isfinite(ordered)
    count = good.sum(0)
    low, high = (_at(ordered, np.maximum(count - 1, 0) * q) for q in (tails, 1 - tails))
    kept = np.where(good, ordered, 0.0)
    mean = kept.sum(0) / np.maximum(count, 1)
    variance = (np.where(good, ordered - mean, 0.0) ** 2).sum(0) / np.maximum(count - 1, 1)
    return low, high, np.sqrt(variance), count


def _at(ordered: Array, position: Array) -> Array:
    """Linear interpolation between order statistics (NumPy's default quantile), column by column."""
    if not len(ordered):
        return np.full(ordered.shape[1], np.nan)
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, len(ordered) - 1)
    column = np.arange(ordered.shape[1])
    share = position - below
    first, second = ordered[below, column], ordered[above, column]
    return np.where(share == 0, first, first + share * (second - first))
