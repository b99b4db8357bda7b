from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from discloop.simulate.data import ATTRIBUTES, DISC, GRADE, PATIENT, Discs, read_discs
from discloop.simulate.picture import LEGEND, WIDTH, picture
from discloop.simulate.readers import ErrorModel, read
from discloop.simulate.replay import linear_kappa, replay
from discloop.simulate.report import reported_patients, run
from discloop.simulate.strategies import STRATEGIES, random_order, ranked
from domain.confusion import READER_DECAY, confusion
from domain.errors import DiscLoopError


def discs(patients: int = 36, seed: int = 0) -> Discs:
    """Five discs a patient; the features tell the grade with some noise."""
    rng = np.random.default_rng(seed)
    grade = rng.choice(5, size=patients * 5, p=(0.05, 0.3, 0.3, 0.25, 0.1)) + 1
    features = np.stack([grade + rng.normal(0, 0.7, len(grade)), rng.normal(0, 1, len(grade))], axis=1)
    return Discs(np.repeat(np.arange(patients), 5), features, grade.astype(np.int64))


def test_readers_without_error_never_differ() -> None:
    truth = discs().grade
    labelled = read(truth, ErrorModel.NONE, np.random.default_rng(1))
    assert (labelled.grade == truth).all()
    assert labelled.minutes.sum() == 0


def test_stated_readers_err_as_stated_and_the_decision_helps() -> None:
    truth = np.full(20_000, 3, dtype=np.int64)
    labelled = read(truth, ErrorModel.STATED, np.random.default_rng(1))
    alone = confusion(READER_DECAY)[2, 2]
    assert (labelled.grade == truth).mean() > alone
    differ = 1 - float((confusion(READER_DECAY)[2] ** 2).sum())
    assert (labelled.minutes > 0).mean() == pytest.approx(differ, abs=0.01)


def test_misspecified_readers_lean_upwards() -> None:
    truth = np.full(20_000, 3, dtype=np.int64)
    said = read(truth, ErrorModel.MISSPECIFIED, np.random.default_rng(1)).grade
    assert (said > 3).sum() > 2 * (said < 3).sum()


def test_kappa_is_scikit_learns() -> None:
    rng = np.random.default_rng(3)
    truth, said = rng.integers(1, 6, 200), rng.integers(1, 6, 200)
    assert linear_kappa(truth, said) == pytest.approx(cohen_kappa_score(truth, said, weights="linear"))


def test_every_strategy_ends_with_every_label_and_the_same_model() -> None:
    curves = [replay(discs(), strategy, seed=2, errors=ErrorModel.STATED) for strategy in STRATEGIES.values()]
    assert len({int(curve.labels[-1]) for curve in curves}) == 1
    assert len({round(float(curve.kappa[0]), 9) for curve in curves}) == 1
    assert len({round(float(curve.kappa[-1]), 6) for curve in curves}) == 1
    assert all((np.diff(curve.labels) > 0).all() for curve in curves)


def test_the_same_seed_plays_the_same() -> None:
    first, second = (replay(discs(), ranked, seed=5, errors=ErrorModel.STATED) for _ in range(2))
    assert (first.labels == second.labels).all()
    assert (first.kappa == second.kappa).all()


def test_ranking_finds_the_starved_grade_sooner() -> None:
    """One patient in eight has only discs of grade 5, which nobody else has; the features tell clearly."""
    rng = np.random.default_rng(4)
    grade = rng.integers(1, 5, 80 * 5)
    grade[: 10 * 5] = 5
    features = (grade + rng.normal(0, 0.3, len(grade)))[:, None]
    data = Discs(np.repeat(np.arange(80), 5), features, grade)
    found = {
        name: [int(replay(data, strategy, seed=s, errors=ErrorModel.NONE).rare[8]) for s in range(4)]
        for name, strategy in (("ranked", ranked), ("random", random_order))
    }
    assert sum(found["ranked"]) > 1.5 * sum(found["random"])


def test_the_report_says_it_is_simulated_and_pairs_the_seeds() -> None:
    report, curves = run(discs(30), seeds=2, errors=ErrorModel.STATED)
    assert report.simulated
    assert report.method.startswith("Simulated.")
    assert report.strategies["random"].labels_ratio.value == 1.0
    assert report.labels_ratio.low <= report.labels_ratio.value <= report.labels_ratio.high
    assert report.labels_ratio == report.strategies["ranked"].labels_ratio
    assert set(report.strategies) == set(STRATEGIES)
    drawn = picture(curves, report)
    assert "Simulated" in drawn
    svg = ElementTree.fromstring(drawn)
    assert svg.get("viewBox") == f"0 0 {WIDTH + LEGEND} 420"
    names = [text for text in svg.iterfind("{*}text") if text.text in STRATEGIES]
    assert {text.text for text in names} == set(STRATEGIES)
    assert all(float(text.get("x", 0)) > WIDTH for text in names), "a name stands over a curve"


def test_patients_the_weights_were_chosen_on_are_not_reported() -> None:
    data = discs(200)
    assert len(reported_patients(data)) == 140
    assert len(reported_patients(discs(30))) == 20


def table(folder: Path, *rows: str) -> Path:
    header = ",".join((PATIENT, DISC, *ATTRIBUTES, GRADE))
    (folder / "gradings.csv").write_text("\n".join((header, *rows)) + "\n")
    return folder


def test_the_grading_table_is_read_first_rows_counting(tmp_path: Path) -> None:
    found = read_discs(table(tmp_path, "2,1,0,0,0,0,1,0,1,4", "1,1,0,0,0,0,0,0,0,2", "2,1,0,0,0,0,1,0,1,5"))
    assert found.patient.tolist() == [1, 2]
    assert found.grade.tolist() == [2, 4]
    assert found.features.shape == (2, len(ATTRIBUTES) + 1)


@pytest.mark.parametrize(
    ("row", "words"),
    [("1,1,0,0,0,0,0,0,0,7", "row 2, Pfirrman grade: 1 to 5"), ("1,x,0,0,0,0,0,0,0,3", "row 2, IVD label")],
)
def test_a_wrong_table_is_named(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(DiscLoopError, match=words):
        read_discs(table(tmp_path, row))


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiscLoopError, match=r"gradings\.csv is expected"):
        read_discs(tmp_path)
