"""Intervals by drawing patients with replacement, once for all figures of a set of patients.

Figures are computed from sums over patients, so that two thousand draws cost one matrix product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Statistic = Callable[[Values], Values]
"""From sums (..., shape of one patient's part) to figures (...); not a number where undefined."""
RESAMPLES = 2000


class Patients:
    """A set of patients and the draws from it.

    Attributes:
        names: Sorted, each once.
        draws: (resamples, patients), how often each patient is in a draw; no rows for a single patient.
    """

    def __init__(self, names: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        self.names = sorted(set(names))
        count = len(self.names)
        self.draws: npt.NDArray[np.int64] = np.zeros((0, count), np.int64)
        if count > 1:
            generator = np.random.default_rng(seed)
            self.draws = generator.multinomial(count, np.full(count, 1 / count), size=resamples)
        self._place = {name: i for i, name in enumerate(self.names)}

    def summed(self, of: Sequence[str], parts: Values) -> Values:
        """Parts (rows, ...) of the patients named in `of`, summed by patient: (patients, ...)."""
        sums = np.zeros((len(self.names), *parts.shape[1:]))
        np.add.at(sums, [self._place[name] for name in of], parts)
        return sums

    def estimate(self, sums: Values, statistic: Statistic) -> dict[str, Any]:
        """A figure of (patients, ...) sums: `{"value", "low", "high", "patients"}`."""
        draws = statistic(np.tensordot(self.draws.astype(np.float64), sums, axes=1).astype(np.float64))
        return self.described(float(statistic(sums.sum(axis=0))), draws)

    def described(self, value: float, draws: Values) -> dict[str, Any]:
        """A value with the 2.5th and 97.5th percentile of its draws; None where undefined."""
        finite = draws[np.isfinite(draws)]
        low, high = np.percentile(finite, (2.5, 97.5)) if len(finite) else (np.nan, np.nan)
        return {
            "value": rounded(value),
            "low": rounded(float(low)),
            "high": rounded(float(high)),
            "patients": len(self.names),
        }

    def auc(self, of: Sequence[str], truth: npt.NDArray[np.bool_], said: Values) -> dict[str, Any]:
        """Area under the ROC curve: the share of pairs, one positive and one negative, in the right order."""
        positive, negative = np.flatnonzero(truth), np.flatnonzero(~truth)
        above: Values = np.sign(said[positive][:, None] - said[negative][None]) / 2.0 + 0.5
        by_row = self.summed([of[i] for i in positive], above)
        right = self.summed([of[j] for j in negative], by_row.T).T
        ones = [self.summed([of[i] for i in rows], np.ones(len(rows))) for rows in (positive, negative)]

        def area(drawn: Values) -> Values:
            pairs = (drawn @ ones[0]) * (drawn @ ones[1])
            return divided(((drawn @ right) * drawn).sum(axis=-1), pairs)

        return self.described(float(area(np.ones((1, len(self.names))))[0]), area(self.draws.astype(float)))


def divided(upper: Values, lower: Values) -> Values:
    """Quotients; not a number where there is nothing to divide by."""
    quotients: Values = np.full(np.shape(lower), np.nan)
    np.divide(upper, lower, out=quotients, where=np.asarray(lower) != 0)
    return quotients


def rounded(value: float) -> float | None:
    """To four places; None for what is no number."""
    return round(value, 4) if np.isfinite(value) else None
