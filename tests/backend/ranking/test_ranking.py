from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from backend.consensus.tables import ConsensusRecord
from backend.outside.ml_backend import ProposalsAnswer, UnitToPropose
from backend.ranking.doubts import disputes_of
from backend.worklists.tables import Selection
from domain.taxonomy import Plane, Role, Split
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace, csrf_of

HTML = {"accept": "text/html"}


def proposed(workplace: Workplace) -> None:
    """Twenty train studies and two test ones, all with proposals, and two readers."""
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    train = [a_study(n, axial=False) for n in range(1, 21)]
    test = [a_study(n, split=Split.TEST, axial=False) for n in range(50, 52)]
    workplace.ingest(*train, *test)
    workplace.work("proposals")


def test_unread_train_studies_are_ranked_with_reasons(workplace: Workplace, client: TestClient) -> None:
    proposed(workplace)
    found = client.get("/api/ranking", params={"limit": 10, "seed": 1}).json()
    assert (found["eligible"], found["waiting"]) == (20, 0)
    assert len(found["picks"]) == 10
    assert {pick["stratum"] for pick in found["picks"]} == {"random", "ranked"}
    assert all(pick["explanation"] for pick in found["picks"])
    assert not {"study-0050", "study-0051"} & {pick["unit"] for pick in found["picks"]}
    assert client.get("/api/ranking", params={"limit": 10, "seed": 1}).json() == found


def test_studies_without_a_proposal_wait(workplace: Workplace, client: TestClient) -> None:
    workplace.ingest(a_study(1, axial=False))
    found = client.get("/api/ranking").json()
    assert (found["eligible"], found["waiting"], found["picks"]) == (0, 1, [])
    assert client.post("/api/ranking/plan").status_code == 409


def test_the_next_studies_are_given_out_with_their_probability(
    workplace: Workplace, client: TestClient
) -> None:
    proposed(workplace)
    planned = client.post("/api/ranking/plan", json={"count": 10}).json()
    assert (planned["random"]["studies"], planned["ranked"]["studies"]) == (1, 9)
    given = workplace.assignments()
    assert len(given) == 20
    by_unit = {one.unit: one for one in given}
    assert sum(one.selection is Selection.RANDOM for one in by_unit.values()) == 1
    assert all(0 < one.inclusion <= 1 for one in given)
    assert client.get("/api/ranking").json()["eligible"] == 10


def test_the_page_says_why_and_plans(workplace: Workplace) -> None:
    proposed(workplace)
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/ranking", headers=HTML)
        assert "drawn at random, as an unbiased sample" in page.text
        assert "Labels against quotas" in page.text
        form = {"csrf": csrf_of(page.text), "count": "4"}
        assert browser.post("/ranking/plan", data=form).status_code == 303
    assert len(workplace.assignments()) == 8


def test_where_models_of_two_rounds_differ_is_read_next_if_the_policy_gives_it_weight(
    workplace: Workplace, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proposed(workplace)
    model = workplace.fakes.ml_backend
    usual = model.propose

    def surer(units: list[UnitToPropose]) -> ProposalsAnswer:
        answer = usual(units)
        for unit, said in answer.proposals.items():
            if unit == "study-0007-sagittal":
                said["discs"][2]["pfirrmann_probs"] = [1, 0, 0, 0, 0]
        return answer

    monkeypatch.setattr(model, "propose", surer)
    model.version = "model-2"
    workplace.work("proposals")
    policy: dict[str, Any] = {"quotas": {"rarity": 0, "diversity": 0}, "random_share": 0}
    for weight, place in ((0, 19), (50, 0)):
        path = tmp_path / f"policy-{weight}.json"
        path.write_text(json.dumps(policy | {"quotas": policy["quotas"] | {"committee": weight}}))
        workplace.settings.__dict__["policy"] = path
        picks = client.get("/api/ranking", params={"limit": 20}).json()["picks"]
        assert picks[place]["unit"] == "study-0007"
        assert ("models differ at L3/4" in picks[place]["explanation"]) == (weight > 0)


def test_what_readers_dispute_is_learned_from_sagittal_labels_of_train_and_val() -> None:
    def label(split: Split, plane: Plane, *discs: tuple[int | None, str]) -> ConsensusRecord:
        body = {"discs": [{"pfirrmann": grade, "provenance": how} for grade, how in discs]}
        return ConsensusRecord.model_construct(split=split, plane=plane, body=json.dumps(body))

    labels = [
        label(Split.TRAIN, Plane.SAGITTAL, *[(3, "adjudicated")] * 10, *[(1, "agreed")] * 90),
        label(Split.TRAIN, Plane.SAGITTAL, (None, "adjudicated")),
        label(Split.TEST, Plane.SAGITTAL, *[(1, "adjudicated")] * 90),
        label(Split.TRAIN, Plane.AXIAL, *[(1, "adjudicated")] * 90),
    ]
    assert disputes_of(labels) == pytest.approx(np.array([0.01, 0.1, 11 / 20, 0.1, 0.1]))
    assert disputes_of(labels[1:]) is None
