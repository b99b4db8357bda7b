"""The figures a gate compares, of two models on the same patients, with paired intervals.

A disc that a model misses counts as the grade farthest from the truth in kappa, and as overlooked in F1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from domain.agreement.bootstrap import draws
from domain.agreement.coefficients import ratio
from domain.agreement.weights import Array, linear
from domain.errors import DiscLoopError
from domain.evaluation import EvaluatedStudy, Evaluation
from domain.policy import GatePolicy
from domain.taxonomy import GRADES

PRIMARY = "kappa_linear"
CALIBRATION = "calibration"
MISSED = len(GRADES)
"""Column of discs the model did not find."""


class GateError(DiscLoopError):
    """Two evaluations that cannot be compared."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Frozen):
    """One figure of both models; `None` where it is not defined. Differences are challenger - champion."""

    name: str
    champion: float | None
    challenger: float | None
    difference: float | None
    low: float | None
    high: float | None
    positives: int
    """Discs of the class in the truth."""
    patients: int
    """Patients who have one."""
    margin: float | None
    """Least acceptable lower end of the difference is minus this; `None` for the primary figure."""
    holds: bool


@dataclass(frozen=True)
class _Sums:
    """What each patient adds: rows are patients, the same in both models."""

    grades: Array
    """(P, 5, 6): true grade, predicted grade or missed."""
    lesions: dict[str, Array]
    """(P, 3): found, invented, overlooked."""
    calibration: Array
    """(P, 2): summed ranked probability score, discs."""


def compare_models(champion: Evaluation, challenger: Evaluation, policy: GatePolicy) -> list[Figure]:
    """The primary figure, every guarded class and calibration, with paired intervals."""
    patients = sorted(challenger.patients)
    old, new = _sums(champion, patients), _sums(challenger, patients)
    blocks = [
        np.ones((1, len(patients))),
        *draws(len(patients), resamples=policy.resamples, seed=policy.seed),
    ]
    drawn = np.concatenate(blocks) if patients else np.ones((1, 0))
    figures = [_figure(PRIMARY, _kappa, old, new, drawn, None, policy, new.grades.sum((1, 2)))]
    for name, margin in policy.margins.items():
        measure, positives = _measure(name, new)
        figures.append(_figure(name, measure, old, new, drawn, margin, policy, positives))
    discs = new.calibration[:, 1]
    figures.append(
        _figure(CALIBRATION, _calibration, old, new, drawn, policy.calibration_margin, policy, discs)
    )
    return figures


_Measure = Callable[[_Sums, Array], Array]


def _figure(
    name: str,
    measure: _Measure,
    old: _Sums,
    new: _Sums,
    drawn: Array,
    margin: float | None,
    policy: GatePolicy,
    positives: Array,
) -> Figure:
    before, after = measure(old, drawn), measure(new, drawn)
    gain = after - before
    spread = gain[1:][np.isfinite(gain[1:])]
    low, high = np.quantile(spread, (0.025, 0.975)) if len(spread) else (np.nan, np.nan)
    bound = policy.least_gain if margin is None else -margin
    if name == CALIBRATION and not np.isfinite(before[0]):
        holds = True  # The champion gives no probabilities: there is nothing to lose.
    elif margin is None:
        holds = bool(low > bound)
    else:
        holds = bool(low >= bound)
    return Figure(
        name=name,
        champion=_number(before[0]),
        challenger=_number(after[0]),
        difference=_number(gain[0]),
        low=_number(low),
        high=_number(high),
        positives=int(positives.sum()),
        patients=int((positives > 0).sum()),
        margin=margin,
        holds=holds,
    )


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _measure(name: str, sums: _Sums) -> tuple[_Measure, Array]:
    """The measure of a guarded class, and each patient's positives."""
    if name in sums.lesions:
        return lambda s, drawn: _f1(drawn @ s.lesions[name]), sums.lesions[name][:, [0, 2]].sum(1)
    grade = _grade_of(name)
    return lambda s, drawn: _f1(drawn @ _grade_counts(s, grade)), sums.grades[:, grade - 1].sum(1)


def _grade_of(name: str) -> int:
    for grade in GRADES:
        if name == f"grade {grade}":
            return grade
    raise GateError(f"a guarded class is 'grade 1' to 'grade 5', 'herniation' or 'hiz', got {name!r}")


def _grade_counts(sums: _Sums, grade: int) -> Array:
    """(P, 3): of one grade found, invented, overlooked."""
    table = sums.grades
    found = table[:, grade - 1, grade - 1]
    said, true = table[:, :, grade - 1].sum(1), table[:, grade - 1].sum(1)
    return np.stack([found, said - found, true - found], axis=1)


def _f1(counts: Array) -> Array:
    found, invented, overlooked = counts.T
    return ratio(2 * found, 2 * found + invented + overlooked)


def _kappa(sums: _Sums, drawn: Array) -> Array:
    """Linear kappa with the truth, a missed disc taken as the farthest grade."""
    k = len(GRADES)
    table = sums.grades[:, :, :k].copy()
    for true in range(k):
        farthest = 0 if true > (k - 1) / 2 else k - 1
        table[:, true, farthest] += sums.grades[:, true, MISSED]
    tables = (drawn @ table.reshape(len(table), -1)).reshape(-1, k, k)
    weights = linear(k)
    total = tables.sum((1, 2))
    observed = ratio((tables * weights).sum((1, 2)), total)
    chance = ratio(np.einsum("bi,ij,bj->b", tables.sum(2), weights, tables.sum(1)), total**2)
    return ratio(observed - chance, 1 - chance)


def _calibration(sums: _Sums, drawn: Array) -> Array:
    """Minus the mean ranked probability score, so that more is better."""
    score, discs = (drawn @ sums.calibration).T
    return -ratio(score, discs)


def _sums(evaluation: Evaluation, patients: list[str]) -> _Sums:
    place = {patient: row for row, patient in enumerate(patients)}
    shape = len(patients)
    sums = _Sums(
        np.zeros((shape, 5, 6)),
        {"herniation": np.zeros((shape, 3)), "hiz": np.zeros((shape, 3))},
        np.zeros((shape, 2)),
    )
    for item in evaluation.items:
        _add(sums, place[item.patient], item)
    return sums


def _add(sums: _Sums, row: int, item: EvaluatedStudy) -> None:
    for disc in item.discs:
        said = disc.predicted - 1 if disc.matched and disc.predicted else MISSED
        sums.grades[row, disc.truth - 1, said] += 1
        if disc.matched and disc.probs is not None:
            below = np.cumsum(disc.probs)[:-1] - (np.arange(1, 5) >= disc.truth)
            sums.calibration[row] += [float((below**2).mean()), 1]
    for name, counts in (("herniation", item.herniations), ("hiz", item.hiz)):
        sums.lesions[name][row] += [counts.true_positive, counts.false_positive, counts.false_negative]
