"""The nightly comparison finds what the outbox missed."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from backend.outside.label_studio import StoredAnnotation
from backend.readings.tables import Discrepancy, LedgerCheck
from backend.worklists.tables import Assignment
from domain.taxonomy import Plane
from tests.backend.answers import graded
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

NIGHT = 16.5


@pytest.fixture
def assignment(workplace: Workplace) -> Assignment:
    """One reader's unit with one reading in the ledger and in Label Studio."""
    made = next(one for one in workplace.ready(a_study(1)) if one.plane is Plane.SAGITTAL)
    workplace.fakes.guard.save(
        task_key=made.key, project_key=made.project, author=made.reader, result=graded()
    )
    workplace.job("outbox")
    hold(workplace, made, graded())
    workplace.clock.turn(hours=NIGHT)
    return made


def hold(workplace: Workplace, assignment: Assignment, result: list[dict[str, Any]], number: int = 1) -> None:
    """Label Studio has this annotation."""
    project = workplace.fakes.guard._number(assignment.project)
    workplace.fakes.label_studio.stored.setdefault(project, []).append(
        StoredAnnotation(
            task_key=assignment.key, annotation=number, uid=f"uid-{number}", cancelled=False, result=result
        )
    )


def found(workplace: Workplace) -> list[str]:
    """What the comparison found."""
    workplace.job("comparison")
    return [one.kind for one in workplace.rows(select(Discrepancy))]


def test_agreement_finds_nothing(workplace: Workplace, assignment: Assignment) -> None:
    assert found(workplace) == []
    (check,) = workplace.rows(select(LedgerCheck))
    assert (check.annotations, check.discrepancies) == (1, 0)


def test_runs_once_a_night_after_its_hour(workplace: Workplace, assignment: Assignment) -> None:
    workplace.clock.turn(hours=-1)
    for hours in (0, 1, 1, 12, 12, 1):
        workplace.clock.turn(hours=hours)
        workplace.job("comparison")
    days = [check.started_at.isoformat()[:13] for check in workplace.rows(select(LedgerCheck))]
    assert days == ["2026-11-22T02", "2026-11-23T03"]


def test_an_annotation_without_revision_is_kept(workplace: Workplace, assignment: Assignment) -> None:
    hold(workplace, assignment, graded(5, 5, 5, 5, 5), number=2)
    assert found(workplace) == ["missing"]
    workplace.clock.turn(days=1)
    assert found(workplace) == ["missing"]
    (one,) = workplace.rows(select(Discrepancy))
    assert one.body is not None
    assert one.task_key == assignment.key


def test_other_content_is_kept(workplace: Workplace, assignment: Assignment) -> None:
    workplace.fakes.label_studio.stored.clear()
    hold(workplace, assignment, graded(5, 5, 5, 5, 5))
    assert found(workplace) == ["different"]


def test_what_vanished_is_named(workplace: Workplace, assignment: Assignment) -> None:
    workplace.fakes.label_studio.stored.clear()
    assert found(workplace) == ["gone"]


def test_what_is_saved_meanwhile_is_no_discrepancy(workplace: Workplace, assignment: Assignment) -> None:
    hold(workplace, assignment, graded(2, 2, 2, 2, 2), number=2)
    workplace.fakes.guard.save(
        task_key=assignment.key,
        project_key=assignment.project,
        author=assignment.reader,
        result=graded(2, 2, 2, 2, 2),
        annotation=2,
    )
    assert found(workplace) == []
