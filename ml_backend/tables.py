"""The tables of the reference papers: grades, herniation and zones, per slice and per disc, with intervals.

Found and true discs are matched by overlap. A cross-table has a sixth row for what is no disc and a sixth
column for discs that were missed, so that both cost precision and recall (Wang et al. 2025, tables 4 and 5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from ml_backend.average_precision import average_precision
from ml_backend.metrics import GRADES, MATCHED, matched_boxes
from ml_backend.ordinal import median_grade
from ml_backend.resampling import RESAMPLES, Patients, Statistic, Values, divided

Readings = Sequence[Mapping[str, Any]]
NOT_EVALUABLE = "not evaluable"
NOTHING = 5


def tabulate(readings: Readings, *, threshold: float, resamples: int = RESAMPLES) -> dict[str, Any]:
    """All tables of `read_slices`' readings; herniation is said from `threshold` on."""
    whole = inherited(readings)
    return {
        "per_disc": _grades(readings, resamples) | {"roc": _rocs(readings, resamples)},
        "per_slice": _grades(whole, resamples)
        | {"average_precision": average_precision(whole, resamples=resamples)}
        | {"within_one_no_miss": _no_miss(whole, resamples)},
        "herniation": {
            "per_disc": _lesions(readings, threshold, resamples, by_slice=False),
            "per_slice": _lesions(readings, threshold, resamples, by_slice=True),
        },
        "by": {
            field: {name: _group(rows, resamples) for name, rows in _split(readings, field).items()}
            for field in ("level", "site", "scanner")
        },
    }


def inherited(readings: Readings) -> list[dict[str, Any]]:
    """The same slices with each disc's grade on all slices of its study, wherever it was decided."""
    known: dict[str, list[int | None]] = {}
    for reading in readings:
        before = known.get(reading["study"], [None] * len(reading["true_grades"]))
        known[reading["study"]] = [a or b for a, b in zip(before, reading["true_grades"], strict=True)]
    return [{**reading, "true_grades": known[reading["study"]]} for reading in readings]


def cross_table(reading: Mapping[str, Any]) -> npt.NDArray[np.int64]:
    """(6, 6) of one slice: rows the true grade or nothing, columns the predicted grade or nothing."""
    table = np.zeros((6, 6), np.int64)
    said = median_grade(np.array(reading["probs"], np.float32).reshape(-1, 5)) - 1
    pairs = {true: found for found, true in matched_boxes(reading, overlap=MATCHED)}
    for i, truth in enumerate(reading["true_grades"]):
        if truth is not None:
            table[truth - 1, said[pairs[i]] if i in pairs else NOTHING] += 1
    for found in set(range(len(said))) - set(pairs.values()):
        table[NOTHING, said[found]] += 1
    return table


def kappa(power: int) -> Statistic:
    """Cohen's kappa of the found discs; 0 unweighted, 1 linear, 2 quadratic."""
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    weights = (apart > 0).astype(float) if power == 0 else apart.astype(float) ** power

    def statistic(tables: Values) -> Values:
        found = tables[..., :5, :5]
        chance = found.sum(axis=-1)[..., :, None] * found.sum(axis=-2)[..., None, :]
        observed = (found * weights).sum(axis=(-1, -2)) * found.sum(axis=(-1, -2))
        return 1 - divided(observed, (chance * weights).sum(axis=(-1, -2)))

    return statistic


def within(distance: int) -> Statistic:
    """Share of the found discs whose grade is at most so far off."""
    near = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) <= distance

    def statistic(tables: Values) -> Values:
        found = tables[..., :5, :5]
        return divided((found * near).sum(axis=(-1, -2)), found.sum(axis=(-1, -2)))

    return statistic


def _recall(grade: int) -> Statistic:
    return lambda t: divided(t[..., grade, grade], t[..., grade, :].sum(axis=-1))


def _precision(grade: int) -> Statistic:
    return lambda t: divided(t[..., grade, grade], t[..., :, grade].sum(axis=-1))


def _f1(grade: int) -> Statistic:
    return lambda t: divided(
        2 * t[..., grade, grade], t[..., grade, :].sum(axis=-1) + t[..., :, grade].sum(axis=-1)
    )


def _rates(patients: Patients, sums: Values, grade: int) -> dict[str, Any]:
    """Precision, recall and F1 of one class of a cross-table."""
    pairs = {"precision": _precision(grade), "recall": _recall(grade), "f1": _f1(grade)}
    return {name: patients.estimate(sums, statistic) for name, statistic in pairs.items()}


def _grades(readings: Readings, resamples: int) -> dict[str, Any]:
    owners = [reading["patient"] for reading in readings]
    patients = Patients(owners, resamples=resamples)
    sums = patients.summed(owners, np.stack([cross_table(reading) for reading in readings]).astype(float))
    table = sums.sum(axis=0)
    return {
        "patients": len(patients.names),
        "slices": len(readings),
        "discs": int(table[:NOTHING].sum()),
        "missed": int(table[:NOTHING, NOTHING].sum()),
        "invented": int(table[NOTHING].sum()),
        "kappa": patients.estimate(sums, kappa(0)),
        "kappa_linear": patients.estimate(sums, kappa(1)),
        "kappa_quadratic": patients.estimate(sums, kappa(2)),
        "percent_agreement": patients.estimate(sums, within(0)),
        "within_one": patients.estimate(sums, within(1)),
        **_scores(patients, readings),
        "per_grade": {
            str(g): {"discs": int(table[g - 1].sum()), **_rates(patients, sums, g - 1)}
            if table[g - 1].sum()
            else NOT_EVALUABLE
            for g in GRADES
        },
        "confusion": table.astype(int).tolist(),
    }


def _group(readings: Readings, resamples: int) -> dict[str, Any]:
    chosen = _grades(readings, resamples)
    return {name: value for name, value in chosen.items() if name not in ("per_grade", "invented")}


def _graded(readings: Readings) -> tuple[list[str], npt.NDArray[np.int64], Values]:
    """Patient, true grade and probabilities of every disc that was decided and found."""
    rows = [
        (reading["patient"], reading["true_grades"][true], reading["probs"][found])
        for reading in readings
        for found, true in matched_boxes(reading, overlap=MATCHED)
        if reading["true_grades"][true] is not None
    ]
    table = np.array([row[2] for row in rows], np.float64).reshape(-1, 5)
    return [row[0] for row in rows], np.array([row[1] for row in rows], np.int64), table


def _scores(patients: Patients, readings: Readings) -> dict[str, Any]:
    owners, truth, probabilities = _graded(readings)
    off = probabilities - np.eye(5)[truth - 1]
    ranked = (np.cumsum(off, axis=1)[:, :4] ** 2).mean(axis=1)
    losses = {"brier": (off**2).sum(axis=1), "ranked_probability_score": ranked}

    def mean(sums: Values) -> Values:
        return divided(sums[..., 0], sums[..., 1])

    return {
        name: patients.estimate(
            patients.summed(owners, np.stack((loss, np.ones(len(loss))), axis=1).reshape(-1, 2)), mean
        )
        for name, loss in losses.items()
    }


def _rocs(readings: Readings, resamples: int) -> dict[str, Any]:
    """Each grade against the others: area with interval, and the curve's points."""
    owners, truth, probabilities = _graded(readings)
    patients = Patients(owners, resamples=resamples)
    return {
        str(grade): _roc(patients, owners, truth == grade, probabilities[:, grade - 1]) for grade in GRADES
    }


def _roc(
    patients: Patients, owners: list[str], truth: npt.NDArray[np.bool_], said: Values
) -> dict[str, Any] | str:
    if truth.all() or not truth.any():
        return NOT_EVALUABLE
    false, true, _ = roc_curve(truth, said)
    curve = [[round(float(x), 4), round(float(y), 4)] for x, y in zip(false, true, strict=True)]
    return {"auc": patients.auc(owners, truth, said), "curve": curve}


def _lesions(readings: Readings, threshold: float, resamples: int, *, by_slice: bool) -> dict[str, Any] | str:
    """Herniation by disc, or whether a slice has any; a disc that was missed was said to have none."""
    rows: list[tuple[str, bool, float]] = []
    for reading in readings:
        pairs = {true: found for found, true in matched_boxes(reading, overlap=MATCHED)}
        of_slice = [
            (reading["patient"], bool(truth), reading["herniated"][pairs[i]] if i in pairs else 0.0)
            for i, truth in enumerate(reading["true_herniated"])
            if truth is not None
        ]
        if by_slice and of_slice:
            most = max(said for _, _, said in of_slice)
            of_slice = [(reading["patient"], any(truth for _, truth, _ in of_slice), most)]
        rows += of_slice
    owners, truth = [row[0] for row in rows], np.array([row[1] for row in rows], bool)
    said = np.array([row[2] for row in rows], float)
    if not truth.any():
        return NOT_EVALUABLE
    patients = Patients(owners, resamples=resamples)
    tables = np.zeros((len(rows), 2, 2))
    tables[np.arange(len(rows)), truth.astype(int), (said >= threshold).astype(int)] = 1
    sums = patients.summed(owners, tables)
    return {
        "count": len(rows),
        "positive": int(truth.sum()),
        "said": int((said >= threshold).sum()),
        **_rates(patients, sums, 1),
        "roc": _roc(patients, owners, truth, said),
    }


def _no_miss(readings: Readings, resamples: int) -> dict[str, Any]:
    """Share of slices with every disc within one grade, nothing missed or invented."""
    owners = [reading["patient"] for reading in readings]
    near = np.zeros((6, 6), bool)
    near[:5, :5] = np.abs(np.subtract.outer(np.arange(5), np.arange(5))) <= 1
    right = [float(cross_table(reading)[~near].sum() == 0) for reading in readings]
    patients = Patients(owners, resamples=resamples)
    sums = patients.summed(owners, np.stack((right, np.ones(len(right))), axis=1))
    return patients.estimate(sums, lambda s: divided(s[..., 0], s[..., 1]))


def _split(readings: Readings, field: str) -> dict[str, list[dict[str, Any]]]:
    """Readings by site or scanner, or with only the discs of one level decided."""
    if field != "level":
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for reading in readings:
            groups[reading[field]].append(dict(reading))
        return dict(sorted(groups.items()))
    levels = sorted({level for reading in readings for level in reading["levels"]})
    return {level: [_of_level(r, level) for r in readings if level in r["levels"]] for level in levels}


def _of_level(reading: Mapping[str, Any], level: str) -> dict[str, Any]:
    kept = [
        truth if own == level else None
        for truth, own in zip(reading["true_grades"], reading["levels"], strict=True)
    ]
    return {**reading, "true_grades": kept}
