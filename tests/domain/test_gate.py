from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from domain.evaluation import Evaluation, EvaluationError
from domain.gate import Outcome, judge
from domain.model_figures import PRIMARY, GateError, compare_models
from domain.policy import GatePolicy
from tests.domain.evaluations import SERVED, Grades, evaluation, truths

POLICY = GatePolicy()


@pytest.fixture(scope="module")
def true() -> Grades:
    return truths(150)


@pytest.fixture(scope="module")
def champion(true: Grades) -> Evaluation:
    return evaluation(true, right=0.7, model="champion", seed=1)


def test_a_better_challenger_passes(true: Grades, champion: Evaluation) -> None:
    better = evaluation(true, right=0.9, model="challenger", seed=2, herniation=0.95)
    verdict = judge(champion, better, trained_on=["pat-9999"], policy=POLICY)
    assert verdict.passed, verdict.reason
    assert verdict.reason == "better on linear kappa, not worse on any guarded class"
    primary = verdict.figures[0]
    assert primary.name == PRIMARY
    assert primary.low is not None
    assert primary.low > 0
    assert (verdict.patients, verdict.discs) == (150, 750)


def test_an_equal_challenger_is_no_gain(champion: Evaluation) -> None:
    same = champion.model_copy(update={"model": "challenger"})
    verdict = judge(champion, same, trained_on=[], policy=POLICY)
    assert verdict.outcome is Outcome.NO_GAIN
    assert [f.difference for f in verdict.figures] == [0.0] * len(verdict.figures)


def test_a_policy_that_asks_for_no_gain_is_not_told_as_one(champion: Evaluation) -> None:
    same = champion.model_copy(update={"model": "challenger"})
    verdict = judge(champion, same, trained_on=[], policy=POLICY.model_copy(update={"least_gain": -0.5}))
    assert verdict.passed
    assert verdict.reason.startswith("not worse on linear kappa by 0.5 or more, which is all the policy asks")


def test_subtly_worse_on_one_rare_class_is_held_and_the_class_named(
    true: Grades, champion: Evaluation
) -> None:
    challenger = evaluation(true, right=0.92, model="challenger", seed=2, right_of={5: 0.6}, herniation=0.95)
    verdict = judge(champion, challenger, trained_on=[], policy=POLICY)
    assert verdict.outcome is Outcome.INFERIOR
    assert verdict.classes == ("grade 5",)
    assert verdict.reason.endswith("grade 5")
    assert verdict.figures[0].holds


def test_too_few_positives_of_a_guarded_class(champion: Evaluation) -> None:
    rare = truths(150, shares=(0.005, 0.345, 0.35, 0.2, 0.1), seed=3)
    old = evaluation(rare, right=0.7, model="champion", seed=1)
    new = evaluation(rare, right=0.9, model="challenger", seed=2, herniation=0.95)
    verdict = judge(old, new, trained_on=[], policy=POLICY)
    assert (verdict.outcome, verdict.classes) == (Outcome.TOO_FEW_POSITIVES, ("grade 1",))


def test_without_test_patients_nothing_passes() -> None:
    empty = Evaluation(model="m", split="test", items=())
    assert judge(empty, empty, trained_on=[], policy=POLICY).outcome is Outcome.TOO_FEW_POSITIVES


def test_a_test_patient_in_the_training_set_is_refused(true: Grades, champion: Evaluation) -> None:
    better = evaluation(true, right=0.9, model="challenger", seed=2)
    verdict = judge(champion, better, trained_on=["pat-0003", "pat-9999"], policy=POLICY)
    assert verdict.outcome is Outcome.LEAK
    assert verdict.reason == "1 of the test patients were trained on"
    assert verdict.figures == ()


def test_missing_discs_is_not_rewarded(true: Grades, champion: Evaluation) -> None:
    sloppy = evaluation(true, right=0.9, model="challenger", seed=2, missed=0.3)
    assert judge(champion, sloppy, trained_on=[], policy=POLICY).outcome is Outcome.INFERIOR


def test_worse_than_the_first_champion_is_held(true: Grades, champion: Evaluation) -> None:
    first = evaluation(true, right=0.99, model="first", seed=4, herniation=0.99)
    better = evaluation(true, right=0.85, model="challenger", seed=2, herniation=0.95)
    verdict = judge(champion, better, trained_on=[], policy=POLICY, first=first)
    assert verdict.outcome is Outcome.INFERIOR
    assert verdict.against_first


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"same_grades": 0.97}, ("parity",)),
        ({"box_px": 2.5}, ("parity",)),
        ({"milliseconds": 20.5}, ("latency",)),
        (None, ("parity", "latency")),
    ],
)
def test_an_exported_model_unlike_the_trained_one_or_slow_is_held(
    true: Grades, champion: Evaluation, change: dict[str, float] | None, named: tuple[str, ...]
) -> None:
    better = evaluation(true, right=0.9, model="challenger", seed=2, herniation=0.95)
    serving = SERVED.model_copy(update=change) if change else None
    unfit = better.model_copy(update={"serving": serving})
    verdict = judge(champion, unfit, trained_on=[], policy=POLICY)
    assert (verdict.outcome, verdict.classes) == (Outcome.INFERIOR, named)


def test_a_challenger_that_is_surer_than_right_is_held(true: Grades, champion: Evaluation) -> None:
    better = evaluation(true, right=0.9, model="challenger", seed=2, herniation=0.95)

    def with_probs(probs: tuple[float, ...] | None) -> Evaluation:
        items = [
            item.model_copy(
                update={"discs": tuple(d.model_copy(update={"probs": probs}) for d in item.discs)}
            )
            for item in better.items
        ]
        return better.model_copy(update={"items": tuple(items)})

    for probs in (None, (1.0, 0.0, 0.0, 0.0, 0.0)):
        verdict = judge(champion, with_probs(probs), trained_on=[], policy=POLICY)
        assert (verdict.outcome, verdict.classes) == (Outcome.INFERIOR, ("calibration",))


def test_evaluations_of_other_discs_are_refused(true: Grades, champion: Evaluation) -> None:
    other = evaluation(truths(150, seed=9), right=0.9, model="challenger", seed=2)
    with pytest.raises(GateError, match="same discs"):
        judge(champion, other, trained_on=[], policy=POLICY)


def test_an_unknown_guarded_class_is_refused(champion: Evaluation) -> None:
    with pytest.raises(GateError, match="grade 6"):
        judge(champion, champion, trained_on=[], policy=GatePolicy(margins={"grade 6": 0.1}))


def test_the_figures_equal_scikit_learns(true: Grades, champion: Evaluation) -> None:
    figures = {f.name: f for f in compare_models(champion, champion, POLICY)}
    said = [d.predicted for item in champion.items for d in item.discs]
    kappa = cohen_kappa_score(true.ravel(), said, weights="linear")
    assert figures[PRIMARY].challenger == pytest.approx(kappa, abs=1e-6)
    for grade in range(1, 6):
        expected = f1_score(true.ravel() == grade, np.array(said) == grade)
        assert figures[f"grade {grade}"].challenger == pytest.approx(expected, abs=1e-6)


def test_equal_models_rarely_pass(true: Grades) -> None:
    passed = 0
    quick = GatePolicy(resamples=200)
    for seed in range(20):
        old = evaluation(true, right=0.75, model="champion", seed=2 * seed)
        new = evaluation(true, right=0.75, model="challenger", seed=2 * seed + 1)
        passed += judge(old, new, trained_on=[], policy=quick).passed
    assert passed <= 2


def test_a_malformed_evaluation_is_named() -> None:
    text = '{"model": "m", "split": "test", "items": [{"study": "study-1"}]}'
    with pytest.raises(EvaluationError, match=r"champion\.json"):
        Evaluation.read(text, name="champion.json")
