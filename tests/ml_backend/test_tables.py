"""The tables of the papers on made-up readings whose figures are known or come from scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from ml_backend.resampling import Patients
from ml_backend.tables import cross_table, kappa, tabulate


def reading(
    truth: list[int | None], said: list[int], *, patient: str = "p1", slice_: int = 0, **changes: Any
) -> dict[str, Any]:
    """A slice whose i-th found disc lies on its i-th true one; more said than true ones are invented."""
    boxes = [[0.0, 400 - 40 * i, 50, 420 - 40 * i] for i in range(max(len(truth), len(said)))]
    return {
        "patient": patient,
        "study": f"study-{patient}",
        "name": f"study-{patient}/{slice_}",
        "site": "north",
        "scanner": "maker model",
        "levels": ["L5/S1", "L4/5", "L3/4", "L2/3", "L1/2"][: len(truth)],
        "true_boxes": boxes[: len(truth)],
        "boxes": boxes[: len(said)],
        "scores": [0.9] * len(said),
        "probs": np.eye(5)[np.array(said, int) - 1].tolist(),
        "herniated": [0.9 if grade == 5 else 0.1 for grade in said],
        "true_grades": truth,
        "true_herniated": [None if grade is None else int(grade == 5) for grade in truth],
    } | changes


def test_a_missed_disc_costs_recall_and_an_invented_one_precision() -> None:
    tables = tabulate([reading([3, 3], [3]), reading([3], [3, 3], patient="p2")], threshold=0.5, resamples=50)
    disc = tables["per_disc"]
    assert (disc["discs"], disc["missed"], disc["invented"]) == (3, 1, 1)
    assert disc["per_grade"]["3"]["recall"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert disc["per_grade"]["3"]["precision"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert tables["per_slice"]["within_one_no_miss"]["value"] == 0
    assert tables["per_slice"]["average_precision"]["discs_map50"]["value"] < 0.9


def test_perfect_readings_are_perfect_and_what_has_no_label_is_not_evaluable() -> None:
    rows = [reading([1, 2, 3, 5], [1, 2, 3, 5], patient=f"p{i}") for i in range(3)]
    tables = tabulate(rows, threshold=0.5, resamples=50)
    assert tables["per_slice"]["average_precision"]["grades_map50_95"]["value"] == pytest.approx(0.995)
    assert tables["per_slice"]["within_one_no_miss"]["value"] == 1
    assert tables["per_disc"]["kappa_quadratic"]["value"] == 1
    assert tables["per_disc"]["per_grade"]["4"] == "not evaluable"
    assert tables["per_disc"]["roc"]["4"] == "not evaluable"
    assert tables["herniation"]["per_disc"]["f1"]["value"] == 1
    healthy = tabulate([reading([1, 2], [1, 2])], threshold=0.5, resamples=50)
    assert healthy["herniation"] == {"per_disc": "not evaluable", "per_slice": "not evaluable"}


def test_a_disc_counts_once_a_study_and_on_every_slice_it_is_drawn_on() -> None:
    rows = [reading([3, None], [3, 4]), reading([None, 2], [5, 2], slice_=1)]
    tables = tabulate(rows, threshold=0.5, resamples=0)
    assert tables["per_disc"]["discs"] == 2
    assert tables["per_disc"]["percent_agreement"]["value"] == 1
    assert tables["per_slice"]["discs"] == 4
    assert tables["per_slice"]["percent_agreement"]["value"] == 0.5


def test_groups_hold_their_own_discs() -> None:
    rows = [reading([3, 4], [3, 2]), reading([3, 4], [3, 4], patient="p2", site="south")]
    by = tabulate(rows, threshold=0.5, resamples=0)["by"]
    assert {name: row["discs"] for name, row in by["level"].items()} == {"L4/5": 2, "L5/S1": 2}
    assert by["level"]["L4/5"]["percent_agreement"]["value"] == 0.5
    assert by["site"]["south"]["percent_agreement"]["value"] == 1
    assert set(by["scanner"]) == {"maker model"}


@pytest.mark.parametrize(("power", "weights"), [(0, None), (1, "linear"), (2, "quadratic")])
def test_kappa_equals_scikit_learn(power: int, weights: str | None) -> None:
    generator = np.random.default_rng(3)
    truth, said = generator.integers(1, 6, 60), generator.integers(1, 6, 60)
    rows = [
        reading(t.tolist(), s.tolist()) for t, s in zip(np.split(truth, 12), np.split(said, 12), strict=True)
    ]
    table = np.sum([cross_table(row) for row in rows], axis=0).astype(float)
    expected = cohen_kappa_score(truth, said, weights=weights, labels=[1, 2, 3, 4, 5])
    assert float(kappa(power)(table)) == pytest.approx(expected)


def test_the_area_equals_scikit_learn_ties_and_all() -> None:
    generator = np.random.default_rng(4)
    truth, said = generator.random(80) < 0.3, generator.integers(0, 6, 80) / 5
    owners = [f"p{i % 9}" for i in range(80)]
    found = Patients(owners, resamples=100).auc(owners, truth, said)
    assert found["value"] == pytest.approx(roc_auc_score(truth, said), abs=1e-4)
    assert found["low"] < found["value"] < found["high"]
