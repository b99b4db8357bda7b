"""Simulated readers: two grade each disc, an adjudicator decides where they differ. Every error is stated."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from discloop.simulate.data import Floats, Ints
from domain.confusion import ADJUDICATOR_DECAY, READER_DECAY, confusion
from domain.taxonomy import GRADES

READING_MINUTES = 2.0
"""One reader on one patient's column."""
DECISION_MINUTES = 0.5
"""The adjudicator on one disc that differs."""


class ErrorModel(StrEnum):
    """How readers err."""

    STATED = "stated"
    """As `domain.confusion`: independent errors, mostly one grade off."""
    MISSPECIFIED = "misspecified"
    """Both readers lean the same way: half of their errors go one grade up."""
    NONE = "none"
    """Readers never err, so they never differ."""


@dataclass(frozen=True)
class Labelled:
    """What readers made of discs."""

    grade: Ints
    minutes: Floats
    """(D,) spent on each disc's decision; the readings themselves are counted by patient."""
    differed: NDArray[np.bool_]
    """(D,) whether the two readings said otherwise."""


def read(truth: Ints, model: ErrorModel, rng: np.random.Generator) -> Labelled:
    """Two blind readings and a decision where they differ."""
    if model is ErrorModel.NONE:
        return Labelled(truth.copy(), np.zeros(len(truth)), np.zeros(len(truth), np.bool_))
    first, second = _say(truth, model, READER_DECAY, rng), _say(truth, model, READER_DECAY, rng)
    decided = _say(truth, ErrorModel.STATED, ADJUDICATOR_DECAY, rng)
    differ = first != second
    return Labelled(np.where(differ, decided, first), differ * DECISION_MINUTES, differ)


def _say(truth: Ints, model: ErrorModel, decay: float, rng: np.random.Generator) -> Ints:
    table = np.cumsum(confusion(decay), axis=1)
    said = 1 + (rng.random((len(truth), 1)) > table[truth - 1]).sum(1)
    if model is ErrorModel.MISSPECIFIED:
        leaning = (said != truth) & (rng.random(len(truth)) < 0.5)
        said = np.where(leaning, np.minimum(truth + 1, len(GRADES)), said)
    return np.asarray(said.clip(1, len(GRADES)), dtype=np.int64)
