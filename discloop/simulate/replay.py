"""One run: read a few, train, choose the next, read, until everything is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from discloop.simulate.data import Discs, Floats, Ints
from discloop.simulate.grader import Grader
from discloop.simulate.readers import READING_MINUTES, ErrorModel, read
from discloop.simulate.strategies import Moment, Strategy
from domain.agreement.coefficients import ratio
from domain.agreement.weights import linear
from domain.taxonomy import GRADES

TEST_SHARE = 0.4
FIRST = 4
"""Patients read at random before the first model; the same in every strategy."""
BATCH = 2
WINDOW = 5
"""Points averaged, so that one lucky model does not count as having arrived."""


@dataclass(frozen=True)
class Curve:
    """Quality of the model on the test patients after so many labels; arrays of equal length."""

    labels: Ints
    """Labelled discs."""
    minutes: Floats
    """Of readers and adjudicator."""
    kappa: Floats
    """Linear kappa with the truth."""
    rare: Ints
    """Labelled discs of the rarest grade."""

    @property
    def smooth(self) -> Floats:
        """Moving mean of kappa."""
        padded = np.pad(self.kappa, WINDOW // 2, mode="edge")
        return np.asarray(np.convolve(padded, np.ones(WINDOW) / WINDOW, mode="valid"), dtype=np.float64)

    def needed(self, target: float) -> tuple[int, float] | None:
        """Labels and minutes until the smoothed curve first reaches the target; `None` if it never does."""
        reached = np.flatnonzero(self.smooth >= target)
        if not len(reached):
            return None
        return int(self.labels[reached[0]]), float(self.minutes[reached[0]])


def replay(
    discs: Discs, strategy: Strategy, *, seed: int, errors: ErrorModel, resample: bool = False
) -> Curve:
    """Play the loop once. Patients, first readings and readers' errors depend on the seed alone.

    With `resample` each half, test and pool, is drawn anew from its patients with replacement: curves of
    several seeds then differ as those of new patients would.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(discs.patients)
    held = round(TEST_SHARE * len(order))
    test, pool = discs.of(order[:held]), discs.of(order[held:])
    unread = [int(p) for p in order[held:]]
    if resample:
        test, pool = test.drawn(rng), pool.drawn(rng)
        unread = [int(p) for p in rng.permutation(pool.patients)]
    answers = read(pool.grade, errors, rng)
    rarest = min(GRADES, key=lambda grade: int((discs.grade == grade).sum()))
    labelled: list[int] = []
    points: list[tuple[int, float, float, int]] = []
    chosen, unread = unread[:FIRST], unread[FIRST:]
    while chosen:
        labelled += chosen
        rows = np.isin(pool.patient, labelled)
        grader = Grader(pool.of(np.array(labelled)), answers.grade[rows])
        kappa = linear_kappa(test.grade, grader.grades(test))
        minutes = 2 * READING_MINUTES * len(labelled) + float(answers.minutes[rows].sum())
        points.append((int(rows.sum()), minutes, kappa, int((answers.grade[rows] == rarest).sum())))
        if not unread:
            break
        left = pool.of(np.array(unread))
        have = Counter(f"grade {grade}" for grade in answers.grade[rows].tolist())
        known = pool.of(np.array(labelled))
        now = Moment(
            left, grader.probabilities(left), have, known, answers.grade[rows], answers.differed[rows]
        )
        chosen = strategy(now, BATCH, seed * 1000 + len(points))
        unread = [patient for patient in unread if patient not in set(chosen)]
    labels, spent, kappas, rare = zip(*points, strict=True)
    return Curve(np.array(labels), np.array(spent), np.array(kappas), np.array(rare))


def linear_kappa(truth: Ints, said: Ints) -> float:
    """Linear kappa of two gradings."""
    k = len(GRADES)
    table = np.zeros((k, k))
    np.add.at(table, (truth - 1, said - 1), 1)
    table /= table.sum()
    weights = linear(k)
    chance = table.sum(1) @ weights @ table.sum(0)
    return float(ratio((table * weights).sum() - chance, 1 - chance))
