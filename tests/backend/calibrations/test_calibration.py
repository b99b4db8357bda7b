"""A reader passes the calibration set before the first unit; none of it becomes study data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlmodel import col, select

from backend.audit.tables import AuditEntry
from backend.calibrations.repository import qualified
from backend.calibrations.schemas import Key
from backend.calibrations.tables import CalibrationAttempt, CalibrationTask
from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.people.tables import Person
from domain.taxonomy import Role
from tests.backend.answers import graded
from tests.backend.fakes import LEVELS
from tests.backend.loop import TO_CONSENSUS, save, task_of
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace, csrf_of

Grades = Mapping[str, tuple[int, ...]]
GRADES: Grades = {
    "study-0001": (1, 2, 3, 4, 5),
    "study-0002": (2, 2, 3, 3, 4),
    "study-0003": (5, 4, 4, 3, 1),
    "study-0004": (3, 3, 2, 2, 1),
}
ALL_THREE: Grades = dict.fromkeys(GRADES, (3, 3, 3, 3, 3))
GIVE = ("calibration", "projection", "calibration")
WHY = "The nucleus is grey and the border to the anulus is lost."


def key(grades: Grades = GRADES) -> dict[str, Any]:
    return {
        "discs": [
            {"study": study, "level": level.value, "pfirrmann": grade, "explanation": WHY if n == 0 else ""}
            for study, said in grades.items()
            for n, (level, grade) in enumerate(zip(LEVELS, said, strict=True))
        ]
    }


@pytest.fixture
def readers(workplace: Workplace, client: TestClient) -> list[Person]:
    """Two readers, eight studies; the first four, of a key, are given to both as their calibration."""
    found = [workplace.add_person(Role.READER, name) for name in ("reader-1", "reader-2")]
    workplace.ingest(*(a_study(number, axial=number > 7) for number in range(1, 9)))
    answer = client.post("/api/calibration", json=key())
    assert answer.status_code == 201, answer.text
    assert (answer.json()["cases"], answer.json()["discs"]) == (4, 20)
    workplace.work(*GIVE)
    return found


def cases(workplace: Workplace, reader: Person, attempt: int = 1) -> list[CalibrationTask]:
    statement = (
        select(CalibrationTask)
        .join(CalibrationAttempt)
        .where(CalibrationAttempt.reader == reader.id, CalibrationAttempt.number == attempt)
        .order_by(col(CalibrationTask.position))
    )
    return workplace.rows(statement)


def read(workplace: Workplace, reader: Person, grades: Grades, attempt: int = 1) -> None:
    """A reader reads their whole calibration."""
    for case in cases(workplace, reader, attempt):
        study = case.unit.removesuffix("-sagittal")
        save(workplace, case.key, case.project, reader.id, graded(*grades[study]))
    workplace.work("outbox", *GIVE)


def test_without_a_set_readers_read_at_once(workplace: Workplace) -> None:
    workplace.ready(a_study(1))
    assert workplace.job("calibration") is not None
    assert len(workplace.assignments()) == 4


def test_cases_are_tasks_of_their_own_unaided_and_in_an_order_of_their_own(
    workplace: Workplace, readers: list[Person]
) -> None:
    for reader in readers:
        given = cases(workplace, reader)
        assert sorted(case.unit for case in given) == [f"{study}-sagittal" for study in GRADES]
        for case in given:
            task = task_of(workplace, case.key)
            assert (set(task.data), task.result) == ({"key", "slices", "open"}, None)
            assert "study" not in json.dumps(task.data)
            said = json.loads((workplace.settings.keys / f"{case.key}.json").read_text())
            assert said["smart_box"] is False
    workplace.work(*GIVE)
    assert len(workplace.rows(select(CalibrationTask))) == 8


def test_nothing_is_put_on_a_list_before_it_is_passed(
    workplace: Workplace, readers: list[Person], client: TestClient
) -> None:
    assert "passed the calibration" in client.post("/api/worklists/plan").json()["error"]["message"]
    read(workplace, readers[0], GRADES)
    both = {"readers": [reader.id for reader in readers]}
    answer = client.post("/api/worklists/plan", json=both)
    assert (answer.status_code, readers[1].id in answer.text) == (422, True)
    read(workplace, readers[1], {**GRADES, "study-0001": (1, 2, 3, 4, 4)})
    planned = client.post("/api/worklists/plan", json=both).json()
    # The four patients of the key are in no plan.
    assert planned["studies"] == 4
    assert {one.unit[:10] for one in workplace.assignments()} == {f"study-{n:04d}" for n in range(5, 9)}


def test_calibration_becomes_no_study_data(workplace: Workplace, readers: list[Person]) -> None:
    for reader in readers:
        read(workplace, reader, GRADES)
    workplace.work(*TO_CONSENSUS, "blank")
    assert workplace.rows(select(ComparisonRecord)) == []
    assert workplace.rows(select(ConsensusRecord)) == []
    assert workplace.assignments() == []


def test_who_does_not_pass_tries_again_and_the_attempt_is_kept(
    workplace: Workplace, readers: list[Person]
) -> None:
    reader = readers[0]
    read(workplace, reader, ALL_THREE)
    with workplace.client() as browser:
        workplace.sign_in(browser, reader)
        page = browser.get("/calibration/own").text
        assert "not passed" in page
        assert WHY in page
        token = csrf_of(page)
        assert browser.post("/calibration/retry", data={"csrf": token}).status_code == 303
        assert browser.post("/calibration/retry", data={"csrf": token}).status_code == 409
    workplace.work(*GIVE)
    first, second = (cases(workplace, reader, attempt) for attempt in (1, 2))
    assert {case.key for case in first}.isdisjoint(case.key for case in second)
    read(workplace, reader, GRADES, attempt=2)
    kept = workplace.rows(
        select(CalibrationAttempt)
        .where(CalibrationAttempt.reader == reader.id)
        .order_by(col(CalibrationAttempt.number))
    )
    assert [(one.passed, one.discs, one.exact, one.within_one) for one in kept] == [
        (False, 20, 6, 15),
        (True, 20, 20, 20),
    ]
    with workplace.database.reading() as session:
        assert qualified(session) == [reader.id]
    acts = [entry.action for entry in workplace.rows(select(AuditEntry))]
    assert [acts.count(f"calibration.{what}") for what in ("laid", "given", "finished")] == [1, 3, 2]


def test_the_key_is_shown_after_the_last_case_only(workplace: Workplace, readers: list[Person]) -> None:
    reader = readers[0]
    *before, last = cases(workplace, reader)
    with workplace.client() as browser:
        workplace.sign_in(browser, reader)
        for case in before:
            save(workplace, case.key, case.project, reader.id, graded(1, 1, 1, 1, 1))
        workplace.work("outbox", "calibration")
        page = browser.get("/calibration/own").text
        assert "<strong>3</strong> of 4 read" in page
        assert WHY not in page
        save(workplace, last.key, last.project, reader.id, graded(1, 1, 1, 1, 1))
        workplace.work("outbox", "calibration")
        page = browser.get("/calibration/own").text
        assert page.count(WHY) == 4
        for word in ("study-", "patient-", "reader-2"):
            assert word not in page


def test_what_counts_is_the_first_answer(workplace: Workplace, readers: list[Person]) -> None:
    reader = readers[0]
    first, *_ = cases(workplace, reader)
    save(workplace, first.key, first.project, reader.id, graded(1, 1, 1, 1, 1))
    read(workplace, reader, dict.fromkeys(GRADES, (5, 5, 5, 5, 5)))
    (attempt,) = workplace.rows(select(CalibrationAttempt).where(CalibrationAttempt.reader == reader.id))
    said = GRADES[first.unit.removesuffix("-sagittal")]
    others = [grade for study, held in GRADES.items() if not first.unit.startswith(study) for grade in held]
    assert attempt.exact == said.count(1) + others.count(5)


def test_another_ones_case_is_quarantined(workplace: Workplace, readers: list[Person]) -> None:
    foreign = cases(workplace, readers[1])[0]
    own = cases(workplace, readers[0])[0]
    save(workplace, foreign.key, own.project, readers[0].id, graded(1, 2, 3, 4, 5))
    workplace.work("outbox", "calibration")
    with workplace.client() as browser:
        workplace.sign_in(browser, readers[1])
        assert "<strong>0</strong> of 4 read" in browser.get("/calibration/own").text


def test_a_new_key_is_for_who_has_not_passed(
    workplace: Workplace, readers: list[Person], client: TestClient
) -> None:
    read(workplace, readers[0], GRADES)
    read(workplace, readers[1], ALL_THREE)
    mended: Grades = {
        study: GRADES["study-0001"] for study in ("study-0004", "study-0005", "study-0006", "study-0007")
    }
    assert client.post("/api/calibration", json=key(mended)).status_code == 201
    workplace.work(*GIVE)
    assert cases(workplace, readers[0], 2) == []
    assert {case.unit[:10] for case in cases(workplace, readers[1], 2)} == set(mended)
    said = client.get("/api/calibration").json()["readers"]
    assert [(one["name"], one["passed"], len(one["attempts"])) for one in said] == [
        ("reader-1", True, 1),
        ("reader-2", False, 2),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"level": "L2/3"}, "stands twice"),
        ({"level": "L9/9"}, "level"),
        ({"pfirrmann": 6}, "pfirrmann"),
        ({"explanation": ""}, "each case has an explanation"),
    ],
)
def test_a_wrong_line_is_named(change: dict[str, object], reason: str) -> None:
    body = key()
    body["discs"][0] |= change
    with pytest.raises(ValidationError, match=reason):
        Key.model_validate(body)


@pytest.mark.parametrize(
    ("grades", "reason"),
    [
        ({"study-0001": (1, 2, 3, 4, 5)}, "at least 20 discs"),
        (ALL_THREE, "at least 3 different grades"),
    ],
)
def test_a_key_that_tells_nobody_apart_is_refused(grades: Grades, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Key.model_validate(key(grades))


def test_a_key_needs_patients_of_its_own(workplace: Workplace, client: TestClient) -> None:
    workplace.ready(a_study(4, axial=False))
    answer = client.post("/api/calibration", json=key())
    assert (answer.status_code, "study-0001 is not there" in answer.text) == (422, True)
    # Another study of a patient who was given out.
    others = [a_study(number, axial=False, patient="patient-0004") for number in (1, 2, 3)]
    workplace.ingest(*others, a_study(4, axial=False))
    answer = client.post("/api/calibration", json=key())
    assert (answer.status_code, "was given out" in answer.text) == (409, True)
    assert client.get("/api/calibration").json() == {"set": None, "readers": []}


def test_the_lead_sees_who_passed_and_no_grade(workplace: Workplace, readers: list[Person]) -> None:
    read(workplace, readers[0], GRADES)
    lead = workplace.add_person(Role.LEAD, "lead")
    with workplace.client() as browser:
        workplace.sign_in(browser, lead)
        page = browser.get("/calibration").text
        assert page.count('<span class="state">passed</span>') == 1
        assert page.count('<span class="state">not yet</span>') == 1
        assert "1 reader has not passed the calibration yet." in browser.get("/").text
        assert WHY not in page
        assert browser.get("/calibration/own").status_code == 403
