"""A plan gives every study to two readers, blind."""

from __future__ import annotations

from collections import defaultdict

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from backend.studies.tables import Unit
from backend.worklists.tables import ArmDraw, Assignment
from domain.taxonomy import Arm, Role, Split
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace


@pytest.fixture
def planned(workplace: Workplace) -> Workplace:
    """Three readers, nine studies, planned with seed 3."""
    for name in ("reader-1", "reader-2", "reader-3"):
        workplace.add_person(Role.READER, name)
    splits = [Split.TRAIN] * 6 + [Split.VAL, Split.TEST, Split.EXTERNAL]
    workplace.ingest(*(a_study(n, split=split) for n, split in enumerate(splits, start=1)))
    workplace.plan(seed=3)
    return workplace


def test_both_planes_go_to_the_same_two(planned: Workplace) -> None:
    units = {unit.id: unit for unit in planned.rows(select(Unit))}
    readers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in planned.assignments():
        unit = units[one.unit]
        readers[unit.study, unit.plane.value].add(one.reader)
    assert all(len(pair) == 2 for pair in readers.values())
    for number in range(1, 10):
        assert readers[f"study-{number:04d}", "sagittal"] == readers[f"study-{number:04d}", "axial"]


def test_the_arm_is_the_patients(planned: Workplace) -> None:
    drawn = {draw.patient: draw.arm for draw in planned.rows(select(ArmDraw))}
    for one in planned.assignments():
        assert one.arm is drawn[one.unit.rpartition("-")[0].replace("study", "patient")]
    assert drawn["patient-0008"] is Arm.UNAIDED
    assert drawn["patient-0009"] is Arm.UNAIDED
    assert len(set(drawn.values())) > 1


def test_keys_are_random_and_say_nothing(planned: Workplace) -> None:
    keys = [one.key for one in planned.assignments()]
    assert len(set(keys)) == len(keys) == 36
    assert all(len(key) >= 22 and "study" not in key for key in keys)


def test_positions_have_no_gap_and_continue(planned: Workplace) -> None:
    planned.ingest(*(a_study(n) for n in range(10, 14)))
    planned.plan(seed=3)
    lists: dict[str, list[Assignment]] = defaultdict(list)
    for one in planned.assignments():
        lists[one.project].append(one)
    for entries in lists.values():
        assert [one.position for one in entries] == list(range(1, len(entries) + 1))


def test_a_second_plan_finds_nothing_left(planned: Workplace) -> None:
    assert planned.plan().assignments == 0


def test_a_patients_later_study_keeps_the_arm(planned: Workplace) -> None:
    drawn = {draw.patient: draw.arm for draw in planned.rows(select(ArmDraw))}
    full = next(patient for patient, arm in drawn.items() if arm is not Arm.UNAIDED)
    planned.ingest(a_study(20, patient=full))
    planned.plan(seed=99, shares={Arm.UNAIDED: 1})
    later = [one for one in planned.assignments() if one.unit.startswith("study-0020")]
    assert {one.arm for one in later} == {drawn[full]}


def test_needs_two_readers(workplace: Workplace, client: TestClient) -> None:
    workplace.add_person(Role.READER, "reader-1")
    workplace.ingest(a_study(1))
    answer = client.post("/api/worklists/plan", json={})
    assert answer.status_code == 409
    assert "two active readers" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"studies": ["study-9999"]}, "studies: study-9999"),
        ({"shares": {"unaided": 0.4}}, "add up to 1"),
        ({"readers": ["p-00000000", "p-00000001"]}, "readers: p-00000000"),
        ({"pairs": 1}, "pairs"),
    ],
)
def test_wrong_requests_are_named(
    workplace: Workplace, client: TestClient, body: dict[str, object], said: str
) -> None:
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.ingest(a_study(1))
    answer = client.post("/api/worklists/plan", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert workplace.assignments() == []


def test_over_http_with_a_limit(workplace: Workplace, client: TestClient) -> None:
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.ingest(*(a_study(n) for n in range(1, 5)))
    answer = client.post("/api/worklists/plan", json={"seed": 5, "limit": 3}).json()
    assert (answer["studies"], answer["assignments"], answer["seed"]) == (3, 12, 5)
    assert sum(answer["arms"].values()) == 12
    progress = client.get("/api/worklists").json()
    assert [one["planned"] for one in progress] == [3, 3, 3, 3]
    assert "arm" not in progress[0]
