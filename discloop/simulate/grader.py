"""The light grader that stands in for the network: multinomial logistic regression on a disc's attributes."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from discloop.simulate.data import Discs, Floats, Ints
from domain.taxonomy import GRADES

STRENGTH = 0.3
FLOOR = 0.02
"""Least probability of a grade before normalising: a grade never seen is not impossible."""


class Grader:
    """Fitted once; says probabilities."""

    def __init__(self, discs: Discs, labels: Ints) -> None:
        self._scaler = StandardScaler().fit(discs.features)
        self._only = int(labels[0]) if len(np.unique(labels)) == 1 else None
        if self._only is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                self._model = LogisticRegression(C=STRENGTH, max_iter=300)
                self._model.fit(self._scaler.transform(discs.features), labels)

    def probabilities(self, discs: Discs) -> Floats:
        """(D, 5) P(grade)."""
        said = np.full((len(discs.grade), len(GRADES)), FLOOR)
        if self._only is not None:
            said[:, self._only - 1] += 1
        elif len(discs.grade):
            scaled = self._scaler.transform(discs.features)
            said[:, self._model.classes_ - 1] += self._model.predict_proba(scaled)
        return np.asarray(said / said.sum(1, keepdims=True), dtype=np.float64)

    def grades(self, discs: Discs) -> Ints:
        """(D,) the likeliest grade."""
        return np.asarray(self.probabilities(discs).argmax(1) + 1, dtype=np.int64)
