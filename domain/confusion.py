"""How readers err in grades: the stated model behind soft grades.

A reader who looks at a disc of true grade t says r with probability proportional to decay^|r - t|. With the
default decay a grade in the middle is said rightly 79 times in 100 and one step off 19 times, which gives
two readers a linear kappa of 0.75 on grades as common as in SPIDER, within what the field reports. An
adjudicator, who sees both answers, errs half as often. The model is symmetric and knows nothing of the disc;
soft grades made from it are training targets only, and no metric uses them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from domain.taxonomy import GRADES

READER_DECAY = 0.12
ADJUDICATOR_DECAY = 0.06
DECISION_SHARE = 0.6
"""Least probability that stays on an adjudicated grade, so that the decision is always the likeliest."""

Array = NDArray[np.float64]
SoftGrade = tuple[float, float, float, float, float]


def confusion(decay: float) -> Array:
    """(5, 5) P(said | true): row is the true grade, column what is said; rows sum to 1.

    Raises:
        ValueError: If `decay` is not between 0 and 1.
    """
    if not 0 < decay < 1:
        raise ValueError(f"a decay lies between 0 and 1, got {decay}")
    steps = np.abs(np.subtract.outer(GRADES, GRADES))
    weight = np.asarray(decay, dtype=np.float64) ** steps
    return np.asarray(weight / weight.sum(1, keepdims=True), dtype=np.float64)


def posterior(said: Sequence[int], *, decay: float = READER_DECAY, prior: Array | None = None) -> Array:
    """(5,) P(true grade) after independent readers said these grades; the prior is flat unless given."""
    errors = confusion(decay)
    belief = np.full(len(GRADES), 1 / len(GRADES)) if prior is None else np.asarray(prior, dtype=np.float64)
    for grade in said:
        belief = belief * errors[:, grade - 1]
    return np.asarray(belief / belief.sum(), dtype=np.float64)


def soft_agreed(said: Sequence[int], *, prior: Array | None = None) -> SoftGrade:
    """The soft grade of a disc the readers graded alike."""
    return _rounded(posterior(said, prior=prior))


def soft_adjudicated(decision: int, said: Sequence[int], *, prior: Array | None = None) -> SoftGrade:
    """The soft grade of an adjudicated disc: the decision rules, the readers' doubt stays visible."""
    belief = posterior(said, prior=prior) * confusion(ADJUDICATOR_DECAY)[:, decision - 1]
    belief = belief / belief.sum()
    if belief[decision - 1] < DECISION_SHARE:
        others = 1 - belief[decision - 1]
        belief = belief * (1 - DECISION_SHARE) / others
        belief[decision - 1] = DECISION_SHARE
    return _rounded(belief)


def _rounded(belief: Array) -> SoftGrade:
    """Six decimals, so that a snapshot's hash does not hang on the last bit of a processor."""
    a, b, c, d, e = (round(float(p), 6) for p in belief)
    return a, b, c, d, e
