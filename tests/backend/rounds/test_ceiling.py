"""The human ceiling of a round, from the real ledger of two readers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sklearn.metrics import cohen_kappa_score

from backend.rounds.ceiling import ceilings_of
from domain.evaluation import EvaluatedDisc, EvaluatedStudy, Evaluation
from domain.policy import GatePolicy
from domain.taxonomy import Role, Split
from tests.backend.loop import AGREED, TO_CONSENSUS, adjudications, decide, read_all
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

POLICY = GatePolicy(resamples=200)
OTHERWISE = (3, 4, 3, 2, 1)


def evaluation(model: str, *, truth: Sequence[int], said: Sequence[int]) -> Evaluation:
    discs = tuple(
        EvaluatedDisc(index=index, truth=true, predicted=grade, matched=True)
        for index, (true, grade) in enumerate(zip(truth, said, strict=True), 1)
    )
    items = (
        EvaluatedStudy(study=f"study-{n:04d}", patient=f"patient-{n:04d}", discs=discs) for n in (1, 2, 3)
    )
    return Evaluation(model=model, split="test", items=tuple(items))


@pytest.fixture
def read_test_set(workplace: Workplace) -> Workplace:
    """Three test studies; on one the readers differ in a disc, and the adjudicator decides as the first."""
    workplace.add_person(Role.ADJUDICATOR, "adjudicator")
    workplace.ready(*(a_study(n, split=Split.TEST, axial=False) for n in (1, 2, 3)))
    read_all(workplace, {"study-0003-sagittal": OTHERWISE})
    workplace.work(*TO_CONSENSUS, "provisioning")
    for one in adjudications(workplace):
        decide(workplace, one, grade=AGREED[1], reason="criterion")
    workplace.work(*TO_CONSENSUS)
    return workplace


def test_a_model_is_set_beside_the_readers_of_the_same_discs(read_test_set: Workplace) -> None:
    found = {
        "champion": evaluation("m-0", truth=AGREED, said=(1, 2, 3, 2, 1)),
        "challenger": evaluation("m-1", truth=AGREED, said=AGREED),
    }
    with read_test_set.database.reading() as session:
        ceilings = {one.model: one for one in ceilings_of(session, found, POLICY)}
    champion, challenger = ceilings["champion"], ceilings["challenger"]
    first, second = AGREED * 3, AGREED * 2 + OTHERWISE
    human = cohen_kappa_score(first, second, weights="linear")
    assert challenger.reader_reader.value == pytest.approx(human)
    assert challenger.model_reader.value is not None
    assert champion.model_reader.value is not None
    assert human < challenger.model_reader.value <= 1
    assert champion.model_reader.value < challenger.model_reader.value
    assert challenger.discs == 15


def test_a_study_whose_label_changed_is_left_out(read_test_set: Workplace) -> None:
    found = {"challenger": evaluation("m-1", truth=(5, 3, 3, 2, 1), said=AGREED)}
    with read_test_set.database.reading() as session:
        assert ceilings_of(session, found, POLICY) == []
