"""Rows of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from backend.comparisons.tables import ComparisonRecord
from backend.readings import repository as readings
from backend.readings.tables import Revision
from backend.worklists.tables import Assignment, Selection
from domain.disagreements import Comparison
from domain.findings import Findings


class TwoReadings(NamedTuple):
    """What two readers said of one unit, in the comparison's order."""

    first: Findings
    second: Findings
    comparison: Comparison


def ready(session: Session, limit: int) -> Sequence[str]:
    """Units read by two readers and not compared yet, by id."""
    done = select(ComparisonRecord.unit)
    statement = (
        select(Assignment.unit)
        .where(
            Assignment.occasion == 1,
            Assignment.selection != Selection.BLANK,
            col(Assignment.first_signed_at).is_not(None),
            col(Assignment.unit).not_in(done),
        )
        .group_by(col(Assignment.unit))
        .having(func.count() >= 2)
        .order_by(Assignment.unit)
    )
    return session.exec(statement.limit(limit)).all()


def newest_signed(session: Session, unit: str) -> list[tuple[Assignment, Revision]]:
    """What each reader of a unit says last, repeats left out, by task key."""
    statement = (
        select(Assignment, Revision)
        .join(Revision, col(Revision.task_key) == col(Assignment.key))
        .where(Assignment.unit == unit, Assignment.occasion == 1, readings.counts(session))
        .where(Revision.kind == "reading", Assignment.selection != Selection.BLANK)
        .order_by(Assignment.key, col(Revision.number))
    )
    last = {assignment.key: (assignment, revision) for assignment, revision in session.exec(statement)}
    return list(last.values())


def two_readings(session: Session, record: ComparisonRecord) -> TwoReadings:
    """The findings that were compared."""
    findings = [
        Findings.model_validate_json(session.get_one(Revision, revision).findings or "")
        for revision in (record.first_revision, record.second_revision)
    ]
    return TwoReadings(findings[0], findings[1], Comparison.model_validate_json(record.body))


def counts(session: Session) -> tuple[int, int]:
    """Comparisons, and those with a disagreement."""
    everything = session.exec(select(func.count()).select_from(ComparisonRecord)).one()
    differing = session.exec(select(func.count()).where(col(ComparisonRecord.disagreements) > 0)).one()
    return everything, differing
