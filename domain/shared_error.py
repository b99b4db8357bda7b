"""How often two readers who agree are both wrong, from the agreed units that a third person read blank.

Sampled discs stand for those that were not: each weighs the inverse of the probability with which its unit
was drawn (Hájek's ratio; Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 5.7). Patients are
the clusters of the linearised variance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from pydantic import BaseModel, ConfigDict
from scipy.stats import t

LEVEL = 0.95


@dataclass(frozen=True)
class Checked:
    """A disc on which two readers agreed and that a third read without knowing."""

    patient: str
    inclusion: float
    """Probability, above 0 and at most 1, with which the disc's unit was drawn."""
    overturned: bool

    def __post_init__(self) -> None:
        """Refuse what is no probability."""
        if not 0 < self.inclusion <= 1:
            raise ValueError(
                f"an inclusion probability above 0 and at most 1 is expected, got {self.inclusion}"
            )


class SharedError(BaseModel):
    """The estimated share of agreed discs that the third person reads otherwise."""

    model_config = ConfigDict(frozen=True)

    discs: int
    overturned: int
    """As counted in the sample."""
    value: float | None
    """Weighted; `None` without a disc."""
    low: float | None
    high: float | None
    """95% interval, patients as clusters; `None` with fewer than two patients."""


def shared_error(checked: Sequence[Checked]) -> SharedError:
    """Estimate the share of overturned discs among all agreed ones.

    Where none or all are overturned the variance is nought and tells nothing; then the interval is the exact
    binomial one, with each patient counted once.
    """
    overturned = sum(one.overturned for one in checked)
    total = sum(1 / one.inclusion for one in checked)
    if not checked:
        return SharedError(discs=0, overturned=0, value=None, low=None, high=None)
    value = sum(one.overturned / one.inclusion for one in checked) / total
    low, high = _interval(checked, value, total)
    return SharedError(discs=len(checked), overturned=overturned, value=value, low=low, high=high)


def _interval(checked: Sequence[Checked], value: float, total: float) -> tuple[float | None, float | None]:
    residuals: dict[str, float] = defaultdict(float)
    for one in checked:
        residuals[one.patient] += (one.overturned - value) / one.inclusion
    count, tail = len(residuals), (1 - LEVEL) / 2
    if count < 2:
        return None, None
    overturned = {one.overturned for one in checked}
    if len(overturned) == 1:
        bound = 1 - tail ** (1 / count)
        return (1 - bound, 1.0) if overturned == {True} else (0.0, bound)
    variance = count / (count - 1) * sum(r * r for r in residuals.values()) / total**2
    half = float(t.ppf(1 - tail, count - 1)) * sqrt(variance)
    return max(0.0, value - half), min(1.0, value + half)
