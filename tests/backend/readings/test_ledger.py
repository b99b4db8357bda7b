"""Every revision once, unchanged, and only its author's own counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from backend.jobs.tables import JobState
from backend.outside.guard import Entry
from backend.readings.interpretation import RevisionState
from backend.readings.tables import OutboxCursor, Revision
from backend.worklists.tables import Assignment
from domain.findings import Findings
from domain.taxonomy import Level, Plane
from tests.backend.answers import graded, ungraded
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace


@pytest.fixture
def assignment(workplace: Workplace) -> Assignment:
    """One reader's sagittal unit, given out."""
    assignments = workplace.ready(a_study(1), a_study(2))
    return next(one for one in assignments if one.plane is Plane.SAGITTAL)


def save(workplace: Workplace, assignment: Assignment, result: Any, **said: Any) -> Entry:
    """The reader submits."""
    return workplace.fakes.guard.save(
        **{
            "task_key": assignment.key,
            "project_key": assignment.project,
            "author": assignment.reader,
            "result": result,
        }
        | said
    )


def ledger(workplace: Workplace) -> list[Revision]:
    """The ledger after pulling."""
    workplace.work("outbox")
    return workplace.rows(select(Revision).order_by(col(Revision.id)))


def test_a_reading_is_decoded_and_signed(workplace: Workplace, assignment: Assignment) -> None:
    entry = save(workplace, assignment, graded(1, 2, 3, 4, 5))
    (revision,) = ledger(workplace)
    assert (revision.state, revision.number, revision.outbox_id) == (RevisionState.SIGNED, 1, entry.id)
    assert revision.findings is not None
    findings = Findings.model_validate_json(revision.findings)
    assert [disc.pfirrmann for disc in findings.discs] == [1, 2, 3, 4, 5]
    assert findings.discs[0].level is Level.L5_S1
    assert revision.body is not None
    assert json.loads(revision.body) == entry.result
    with workplace.database.reading() as session:
        assert session.get_one(Assignment, assignment.key).first_signed_at == entry.at


def test_corrections_are_new_revisions(workplace: Workplace, assignment: Assignment) -> None:
    save(workplace, assignment, graded(1, 2, 3, 4, 5))
    save(workplace, assignment, graded(2, 2, 3, 4, 5), event="updated")
    revisions = ledger(workplace)
    assert [one.number for one in revisions] == [1, 2]
    assert revisions[0].body != revisions[1].body


def test_pulling_again_adds_nothing(workplace: Workplace, assignment: Assignment) -> None:
    for _ in range(3):
        save(workplace, assignment, graded())
    assert len(ledger(workplace)) == 3
    with workplace.write() as session:
        session.get_one(OutboxCursor, 1).last = 0
    assert len(ledger(workplace)) == 3


def test_many_revisions_come_in_batches(workplace: Workplace, assignment: Assignment) -> None:
    for _ in range(450):
        save(workplace, assignment, graded())
    assert [one.number for one in ledger(workplace)] == list(range(1, 451))


@pytest.mark.parametrize(
    ("result", "said", "reason"),
    [
        (graded(), {"actor": "p-ffffffff"}, "saved by another than its author"),
        (graded(), {"author": "p-ffffffff"}, "its author is not the project's member"),
        (graded(), {"project_key": "reading-p-ffffffff-sagittal"}, "unknown project"),
        (graded(), {"task_key": "unheard-of"}, "no assignment has this task key"),
        (graded(), {"sha256": "0" * 64}, "does not match its hash"),
        (None, {}, "no content"),
        ("text", {}, "not a list of regions"),
        (ungraded(), {}, "disc 1"),
        ([{"type": "rectanglelabels"}], {}, ""),
        ([{"from_name": "pfirrmann", "value": []}], {}, ""),
    ],
)
def test_what_cannot_count_is_kept_in_quarantine(
    workplace: Workplace, assignment: Assignment, result: Any, said: dict[str, Any], reason: str
) -> None:
    save(workplace, assignment, result, **said)
    save(workplace, assignment, graded())
    doubtful, good = ledger(workplace)
    assert doubtful.state is RevisionState.QUARANTINED
    assert doubtful.reason
    assert reason in doubtful.reason
    assert (doubtful.body is None) is (result is None)
    assert (good.state, good.number) == (RevisionState.SIGNED, 1)


def test_another_readers_key_is_quarantined(workplace: Workplace, assignment: Assignment) -> None:
    other = next(one for one in workplace.assignments() if one.reader != assignment.reader)
    save(workplace, assignment, graded(), task_key=other.key)
    (revision,) = ledger(workplace)
    assert (revision.state, revision.reason) == (
        RevisionState.QUARANTINED,
        "the assignment belongs to another project",
    )
    assert all(one.first_signed_at is None for one in workplace.assignments())


def test_skipping_and_deleting_are_recorded(workplace: Workplace, assignment: Assignment) -> None:
    skipped = save(workplace, assignment, [], cancelled=True)
    states = [one.state for one in ledger(workplace)]
    with workplace.database.reading() as session:
        assert session.get_one(Assignment, assignment.key).skipped_at == skipped.at
    save(workplace, assignment, graded(), annotation=2)
    save(workplace, assignment, None, annotation=2, event="deleted")
    states = [one.state for one in ledger(workplace)]
    assert states == [RevisionState.SKIPPED, RevisionState.SIGNED, RevisionState.DELETED]
    with workplace.database.reading() as session:
        row = session.get_one(Assignment, assignment.key)
        assert (row.skipped_at, row.first_signed_at is None) == (None, False)


def test_text_of_any_kind_is_kept(workplace: Workplace, assignment: Assignment) -> None:
    comment = "L5/S1 – 椎间盘 \u0000 'quoted' \\ \u202e 🦴"
    save(workplace, assignment, graded(comment=comment))
    (revision,) = ledger(workplace)
    assert revision.findings is not None
    assert Findings.model_validate_json(revision.findings).comment == comment


@pytest.mark.parametrize("kept", [1, 3, 5])
def test_a_new_outbox_is_read_from_its_beginning(
    workplace: Workplace, assignment: Assignment, kept: int
) -> None:
    for _ in range(3):
        save(workplace, assignment, graded())
    assert len(ledger(workplace)) == 3
    guard = workplace.fakes.guard
    guard.entries, guard.epoch = [], "another"
    for _ in range(kept):
        save(workplace, assignment, graded())
    revisions = ledger(workplace)
    assert [(one.epoch == "another") for one in revisions] == [False] * 3 + [True] * kept
    assert [one.outbox_id for one in revisions[3:]] == list(range(1, kept + 1))


def test_an_outage_is_seen_and_overcome(workplace: Workplace, assignment: Assignment) -> None:
    save(workplace, assignment, graded())
    workplace.fakes.guard.down = True
    assert ledger(workplace) == []
    with workplace.database.reading() as session:
        assert session.get_one(JobState, "outbox").error == "Label Studio's guard does not answer"
    workplace.fakes.guard.down = False
    assert len(ledger(workplace)) == 1
    with workplace.database.reading() as session:
        assert session.get_one(JobState, "outbox").error is None


def test_over_http(workplace: Workplace, assignment: Assignment, client: TestClient) -> None:
    save(workplace, assignment, graded(1, 2, 3, 4, 5))
    save(workplace, assignment, ungraded(), event="updated")
    workplace.work("outbox")
    first, second = client.get("/api/readings").json()
    assert (first["arm"], first["unit"], first["number"]) == (assignment.arm, assignment.unit, 1)
    assert first["findings"] is None
    assert second["state"] == "quarantined"
    assert client.get("/api/readings", params={"after": first["id"]}).json() == [second]
    assert client.get("/api/readings", params={"state": "signed"}).json() == [first]
    full = client.get("/api/readings", params={"content": True}).json()[0]
    assert [disc["pfirrmann"] for disc in full["findings"]["discs"]] == [1, 2, 3, 4, 5]
    assert full["shown"] == (None if assignment.shown is None else json.loads(assignment.shown))
    summary = client.get("/api/readings/summary").json()
    assert summary["by_state"] == {"quarantined": 1, "signed": 1}
    assert summary["cursor"] == 2
