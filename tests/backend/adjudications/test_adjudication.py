from __future__ import annotations

import json

from fastapi.testclient import TestClient

from backend.adjudications.tables import Adjudication
from backend.people.tables import Person
from backend.projects.tables import ProjectKind
from backend.worklists.tables import Assignment
from domain.consensus import Consensus
from domain.taxonomy import Reason, Role
from labeling_configs.codec import decode
from tests.backend.answers import SIZES
from tests.backend.loop import (
    TO_CONSENSUS,
    adjudications,
    decide,
    labels,
    read_all,
    task_of,
    with_adjudicator,
)
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

DIFFERS = {"study-0001-sagittal": (3, 5, 3, 2, 1)}


def one_differs(workplace: Workplace) -> Adjudication:
    with_adjudicator(workplace, 2)
    read_all(workplace, DIFFERS)
    workplace.work(*TO_CONSENSUS)
    (given,) = adjudications(workplace)
    return given


def readers_of(workplace: Workplace, given: Adjudication) -> list[Assignment]:
    by_key = {assignment.key: assignment for assignment in workplace.assignments()}
    return [by_key[given.reader_1], by_key[given.reader_2]]


def test_a_unit_that_differs_goes_to_the_adjudicator_as_one_task(workplace: Workplace) -> None:
    given = one_differs(workplace)
    assert given.unit == "study-0001-sagittal"
    assert given.project == f"{ProjectKind.ADJUDICATION}-{given.adjudicator}-sagittal"
    assert given.task is not None
    assert (workplace.settings.keys / f"{given.key}.json").is_file()


def test_the_task_names_neither_reader_nor_unit(workplace: Workplace) -> None:
    given = one_differs(workplace)
    said = task_of(workplace, given.key).model_dump_json()
    readers = readers_of(workplace, given)
    for secret in ("study-0001", "patient-0001", *(a.reader for a in readers), *(a.key for a in readers)):
        assert secret not in said
    assert "reader-1" not in said
    assert set(task_of(workplace, given.key).data) == {"key", "slices", "open", "table"}


def test_both_readings_are_locked_and_what_agrees_is_prefilled(workplace: Workplace) -> None:
    given = one_differs(workplace)
    shown = task_of(workplace, given.key).result or []
    locked = [entry for entry in shown if entry["from_name"] in ("reader_1", "reader_2")]
    assert len(locked) == 10
    assert all(entry["readonly"] for entry in locked)
    grades = [e["value"]["choices"][0] for e in shown if e["from_name"] == "pfirrmann"]
    assert sorted(grades) == ["1", "2", "3", "3"]


def test_the_table_marks_what_differs_for_reader_1_and_reader_2(workplace: Workplace) -> None:
    given = one_differs(workplace)
    first, _second = readers_of(workplace, given)
    entries = {entry.task_key: entry for entry in workplace.fakes.guard.entries}
    said = decode(entries[first.key].result or [], plane=first.plane, slices=SIZES)
    ours = said.discs[1].pfirrmann
    rows = given.differences.split("<tr")
    (marked,) = [row for row in rows if "dl-differs" in row]
    theirs = {3: 5, 5: 3}[ours or 0]
    assert marked.index(f"grade {ours}") < marked.index(f"grade {theirs}")
    assert "L4/5: grade" in marked


def test_which_reader_comes_first_is_random(workplace: Workplace) -> None:
    with_adjudicator(workplace, 20)
    read_all(workplace, {f"study-{n:04d}-sagittal": (3, 4, 3, 2, 1) for n in range(1, 21)})
    workplace.work(*TO_CONSENSUS)
    given = adjudications(workplace)
    firsts = [readers_of(workplace, one)[0].reader for one in given]
    assert len(given) == 20
    assert firsts.count(firsts[0]) < 20


def test_the_gravest_batch_comes_first(workplace: Workplace) -> None:
    with_adjudicator(workplace, 24)
    grave = {f"study-{n:04d}-sagittal": (3, 3, 3, 2, 5) for n in (3, 17, 24)}
    mild = {f"study-{n:04d}-sagittal": (3, 3, 3, 2, 2) for n in range(1, 25)}
    read_all(workplace, mild | grave)
    workplace.work("outbox", "comparisons")
    workplace.work("adjudications")
    first_batch = {one.unit for one in adjudications(workplace)[:20]}
    assert set(grave) <= first_batch


def test_the_decision_comes_back_by_the_outbox_and_becomes_consensus(workplace: Workplace) -> None:
    given = one_differs(workplace)
    decide(workplace, given, grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    label = labels(workplace)["study-0001-sagittal"]
    consensus = Consensus.model_validate_json(label.body)
    assert (label.provenance, label.adjudication) == ("adjudicated", given.key)
    assert [d.pfirrmann for d in consensus.discs] == [3, 4, 3, 2, 1]
    assert [d.index for d in consensus.discs if d.provenance == "adjudicated"] == [2]
    assert consensus.discs[1].reason is Reason.CRITERION
    (after,) = adjudications(workplace)
    assert after.decision is not None
    assert after.decided_at is not None


def test_both_wrong_is_counted(workplace: Workplace, client: TestClient) -> None:
    with_adjudicator(workplace, 2)
    read_all(workplace, DIFFERS | {"study-0002-sagittal": (3, 5, 3, 2, 1)})
    workplace.work(*TO_CONSENSUS)
    assert client.get("/api/adjudications/outcomes").json()["grades"] == 0
    for given, grade in zip(adjudications(workplace), (4, 5), strict=True):
        decide(workplace, given, grade=grade, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    assert client.get("/api/adjudications/outcomes").json() == {
        "grades": 2,
        "one_reader": 1,
        "both_wrong": 1,
        "no_grade": 0,
        "reasons": {"criterion": 2},
    }
    page = client.get("/adjudications/outcomes", headers={"accept": "text/html"})
    assert "both wrong</dt><dd>1<" in page.text


def test_a_decision_without_its_reason_is_quarantined(workplace: Workplace, client: TestClient) -> None:
    given = one_differs(workplace)
    shown = task_of(workplace, given.key).result or []
    workplace.fakes.guard.save(
        task_key=given.key,
        project_key=given.project,
        author=given.adjudicator,
        result=json.loads(json.dumps(shown)),
        annotation=99,
    )
    workplace.work(*TO_CONSENSUS)
    assert "study-0001-sagittal" not in labels(workplace)
    held = client.get("/api/readings", params={"state": "quarantined"}).json()
    assert [one["task_key"] for one in held] == [given.key]


def test_nobody_adjudicates_a_study_they_read(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False))
    with workplace.write() as session:
        reader = session.get_one(Person, workplace.assignments()[0].reader)
        reader.role = Role.ADJUDICATOR
    read_all(workplace, DIFFERS)
    workplace.work(*TO_CONSENSUS)
    assert adjudications(workplace) == []
    other = workplace.add_person(Role.ADJUDICATOR, "fresh")
    workplace.work("projection", *TO_CONSENSUS)
    assert [one.adjudicator for one in adjudications(workplace)] == [other.id]


def test_a_lost_answer_makes_no_second_task(workplace: Workplace) -> None:
    with_adjudicator(workplace, 2)
    read_all(workplace, DIFFERS)
    workplace.work("outbox", "comparisons")
    workplace.fakes.label_studio.fails_after_import = True
    workplace.job("adjudications")
    workplace.fakes.label_studio.fails_after_import = False
    workplace.work("adjudications")
    (given,) = adjudications(workplace)
    tasks = [t for held in workplace.fakes.label_studio.held.values() for _, t in held]
    assert [t.data["key"] for t in tasks].count(given.key) == 1


def test_the_queue_shows_what_waits_and_never_who_read_it(workplace: Workplace, client: TestClient) -> None:
    given = one_differs(workplace)
    (listed,) = client.get("/api/adjudications").json()
    assert (listed["unit"], listed["kinds"], listed["decided_at"]) == (given.unit, ["grade"], None)
    assert not any(a.reader in json.dumps(listed) for a in workplace.assignments())
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/adjudications", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert given.unit in page.text
    assert not any(a.reader in page.text for a in workplace.assignments())
