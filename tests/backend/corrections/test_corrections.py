"""A late correction opens again what followed from the reading, and everybody can see that it did."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from backend.adjudications.blank import is_drawn
from backend.adjudications.tables import Adjudication
from backend.agreement import service as agreement
from backend.audit.tables import AuditEntry
from backend.comparisons.tables import ComparisonRecord
from backend.corrections.tables import Correction
from backend.pages import moment
from backend.people.tables import Person
from backend.readings.interpretation import RevisionState
from backend.readings.tables import Revision
from backend.worklists.tables import Assignment, Plan
from domain.consensus import Consensus
from domain.taxonomy import Role
from tests.backend.loop import (
    AGREED,
    TO_CONSENSUS,
    adjudications,
    decide,
    labels,
    read,
    read_all,
    sagittal_pairs,
    with_adjudicator,
)
from tests.backend.workplace import BY, Workplace

UNIT = "study-0001-sagittal"
DIFFERS = (3, 5, 3, 2, 1)
ROUND_TRIP = ("outbox", "corrections", "comparisons", "adjudications", "decisions")


def both_read(workplace: Workplace, second: tuple[int, ...]) -> list[Assignment]:
    """One study, read twice; what follows has followed."""
    with_adjudicator(workplace, 1)
    read_all(workplace, {UNIT: second})
    workplace.work(*TO_CONSENSUS)
    return sagittal_pairs(workplace)[UNIT]


def correct(workplace: Workplace, assignment: Assignment, *grades: int) -> None:
    """An hour later the reader says otherwise."""
    workplace.clock.turn(hours=1)
    read(workplace, assignment, *grades)
    workplace.work(*ROUND_TRIP)


def grades(workplace: Workplace) -> list[int | None]:
    return [disc.pfirrmann for disc in Consensus.model_validate_json(labels(workplace)[UNIT].body).discs]


def corrections(workplace: Workplace) -> list[Correction]:
    return workplace.rows(select(Correction))


def corrected_at(workplace: Workplace) -> str:
    """The moment of the only correction, as pages show it."""
    (one,) = corrections(workplace)
    return moment(one.corrected_at)


def page(workplace: Workplace, path: str, role: Role, name: str) -> str:
    """What somebody sees."""
    found = workplace.rows(select(Person).where(Person.name == name))
    person = found[0] if found else workplace.add_person(role, name)
    with workplace.client() as browser:
        workplace.sign_in(browser, person)
        answer = browser.get(path, headers={"accept": "text/html"})
    return str(answer.text)


def test_what_agreed_differs_after_a_correction_and_waits_for_a_decision(workplace: Workplace) -> None:
    ours, _theirs = both_read(workplace, AGREED)
    assert labels(workplace)[UNIT].provenance == "agreed"
    correct(workplace, ours, *DIFFERS)
    assert labels(workplace) == {}
    (given,) = adjudications(workplace)
    assert given.decided_at is None
    (kept,) = corrections(workplace)
    assert (kept.unit, kept.corrected, kept.adjudication) == (UNIT, "reading", None)
    before = Consensus.model_validate_json(json.loads(kept.label or "")["body"])
    assert [disc.pfirrmann for disc in before.discs] == list(AGREED)


def test_a_decision_is_taken_back_and_made_again_of_what_is_said_now(workplace: Workplace) -> None:
    _ours, theirs = both_read(workplace, DIFFERS)
    (old,) = adjudications(workplace)
    decide(workplace, old, grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    assert grades(workplace) == [3, 4, 3, 2, 1]
    correct(workplace, theirs, 3, 3, 3, 5, 1)
    assert labels(workplace) == {}
    (new,) = adjudications(workplace)
    assert new.key != old.key
    assert "L2/3: grade" in new.differences
    decide(workplace, new, grade=3, reason="criterion")
    workplace.work(*ROUND_TRIP)
    assert grades(workplace) == [3, 3, 3, 3, 1]
    (kept,) = corrections(workplace)
    assert kept.adjudication == old.key
    assert Adjudication.model_validate_json(kept.given or "").decision is not None


def test_a_correction_to_what_the_other_says_needs_no_decision(workplace: Workplace) -> None:
    _ours, theirs = both_read(workplace, DIFFERS)
    (waiting,) = adjudications(workplace)
    correct(workplace, theirs, *AGREED)
    assert grades(workplace) == list(AGREED)
    assert adjudications(workplace) == []
    held = workplace.fakes.label_studio.held.values()
    assert waiting.key not in {task.data["key"] for tasks in held for _, task in tasks}


def test_a_decision_of_what_was_corrected_meanwhile_is_kept_apart(workplace: Workplace) -> None:
    _ours, theirs = both_read(workplace, DIFFERS)
    (old,) = adjudications(workplace)
    tasks = {number: list(held) for number, held in workplace.fakes.label_studio.held.items()}
    correct(workplace, theirs, 3, 3, 3, 5, 1)
    workplace.fakes.label_studio.held = tasks
    decide(workplace, old, grade=4, reason="criterion")
    workplace.work(*ROUND_TRIP)
    assert labels(workplace) == {}
    (held,) = workplace.rows(select(Revision).where(Revision.state == RevisionState.QUARANTINED))
    assert held.task_key == old.key
    assert f"a reader's correction of {corrected_at(workplace)}" in (held.reason or "")


def test_every_revision_stays_and_statistics_use_the_first(workplace: Workplace) -> None:
    ours, _theirs = both_read(workplace, AGREED)
    correct(workplace, ours, *DIFFERS)
    rows = workplace.rows(
        select(Revision).where(Revision.task_key == ours.key).order_by(col(Revision.number))
    )
    assert [(row.number, row.state) for row in rows] == [(1, "signed"), (2, "signed")]
    (record,) = workplace.rows(select(ComparisonRecord))
    assert rows[1].id in (record.first_revision, record.second_revision)
    assert record.disagreements == 1
    with workplace.database.reading() as session:
        report = agreement.make_report(session, workplace.database, "all")
    assert report is not None
    assert report.percent_agreement.value == 1.0


def test_the_same_answer_again_opens_nothing(workplace: Workplace) -> None:
    ours, _theirs = both_read(workplace, AGREED)
    before = labels(workplace)
    correct(workplace, ours, *AGREED)
    assert corrections(workplace) == []
    assert labels(workplace) == before


def test_an_adjudicators_correction_renews_the_label(workplace: Workplace) -> None:
    both_read(workplace, DIFFERS)
    (given,) = adjudications(workplace)
    decide(workplace, given, grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    workplace.clock.turn(hours=1)
    decide(workplace, given, grade=5, reason="other")
    workplace.work(*ROUND_TRIP)
    assert grades(workplace) == [3, 5, 3, 2, 1]
    (kept,) = corrections(workplace)
    assert (kept.corrected, kept.adjudication) == ("decision", given.key)
    (after,) = adjudications(workplace)
    assert after.decision != json.loads(kept.given or "")["decision"]


@pytest.mark.parametrize("who", ["reader", "adjudicator"])
def test_after_the_freeze_corrections_are_kept_and_change_nothing(workplace: Workplace, who: str) -> None:
    ours, _theirs = both_read(workplace, DIFFERS)
    (given,) = adjudications(workplace)
    decide(workplace, given, grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    before = labels(workplace)
    with workplace.write() as session:
        agreement.freeze(session, by=BY, clock=workplace.clock)
    workplace.clock.turn(hours=1)
    if who == "reader":
        read(workplace, ours, 1, 1, 1, 1, 1)
    else:
        decide(workplace, given, grade=1, reason="other")
    workplace.work(*ROUND_TRIP)
    assert labels(workplace) == before
    assert corrections(workplace) == []
    assert len(workplace.rows(select(Revision).where(Revision.number == 2))) == 1


def test_the_pages_say_that_it_was_reopened_and_when(workplace: Workplace, client: TestClient) -> None:
    _ours, theirs = both_read(workplace, DIFFERS)
    decide(workplace, adjudications(workplace)[0], grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    correct(workplace, theirs, 3, 3, 3, 5, 1)
    said = f"correction of {corrected_at(workplace)}"
    assert f"reopened: reader&#39;s {said}" in page(workplace, "/adjudications", Role.LEAD, "lead")
    assert said in page(workplace, "/adjudications/gallery", Role.ADJUDICATOR, "adjudicator")
    assert UNIT in page(workplace, "/corrections", Role.LEAD, "lead")
    (listed,) = client.get("/api/corrections").json()
    assert (listed["corrected"], listed["took_back"], listed["labelled"]) == ("reading", "adjudicated", False)
    (noted,) = workplace.rows(select(AuditEntry).where(AuditEntry.action == "unit.reopened"))
    assert noted.subject == UNIT
    assert json.loads(noted.details)["label"] == "adjudicated"
    assert "1 unit was reopened" in page(workplace, "/", Role.LEAD, "lead")


def test_a_reader_learns_nothing_of_it(workplace: Workplace) -> None:
    ours, theirs = both_read(workplace, AGREED)
    correct(workplace, ours, *DIFFERS)
    (other,) = workplace.rows(select(Person).where(Person.id == theirs.reader))
    assert "reopen" not in page(workplace, "/", Role.READER, other.name)
    with workplace.client() as browser:
        workplace.sign_in(browser, other)
        assert browser.get("/corrections").status_code == 403


def test_a_reopened_unit_is_not_drawn_to_be_read_blank(workplace: Workplace) -> None:
    _ours, theirs = both_read(workplace, DIFFERS)
    correct(workplace, theirs, *AGREED)
    with workplace.write() as session:
        made = session.get_one(Plan, theirs.plan)
        made.seed = next(seed for seed in range(10_000) if is_drawn(seed, UNIT))
    workplace.work("blank")
    assert workplace.rows(select(Assignment).where(Assignment.selection == "blank")) == []
