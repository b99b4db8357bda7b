"""Rows of corrections, and the revisions that make some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, or_, select

from backend.adjudications.tables import Adjudication
from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.corrections.tables import Correction
from backend.readings import repository as readings
from backend.readings.tables import Revision
from backend.worklists.tables import Assignment


class Corrected(NamedTuple):
    """A unit whose comparison, or decision, is no longer of what its people say."""

    unit: str
    revision: int
    signed_at: datetime


def of_readings(session: Session, limit: int) -> list[Corrected]:
    """Compared units of which a reader now says otherwise, each with the newest correction.

    What was signed after the freeze changes nothing: by then readers may have seen each other's answers.
    """
    compared = select(Revision.id, Revision.task_key, Revision.findings).subquery()
    pair = ComparisonRecord.first_revision, ComparisonRecord.second_revision
    statement = (
        select(ComparisonRecord.unit, func.max(Revision.id), func.max(Revision.at))
        .join(Assignment, col(Assignment.unit) == col(ComparisonRecord.unit))
        .join(Revision, col(Revision.task_key) == col(Assignment.key))
        .join(compared, or_(*(compared.c.id == one for one in pair)))
        .where(compared.c.task_key == col(Revision.task_key), col(Revision.id) > compared.c.id)
        .where(Revision.kind == "reading", col(Revision.number) > 1, readings.counts(session))
        .where(col(Revision.findings) != compared.c.findings)
        .group_by(col(ComparisonRecord.unit))
        .order_by(func.max(Revision.id))
    )
    return _corrected(session.exec(statement.limit(limit)))


def of_decisions(session: Session, limit: int) -> list[Corrected]:
    """Decided units of which the adjudicator now says otherwise, each with the newest correction."""
    counted = select(Revision.id, Revision.findings).subquery()
    statement = (
        select(Adjudication.unit, func.max(Revision.id), func.max(Revision.at))
        .join(Revision, col(Revision.task_key) == col(Adjudication.key))
        .join(counted, counted.c.id == col(Adjudication.decision))
        .where(Revision.kind == "adjudication", col(Revision.number) > 1, readings.counts(session))
        .where(col(Revision.id) > counted.c.id, col(Revision.findings) != counted.c.findings)
        .group_by(col(Adjudication.unit))
        .order_by(func.max(Revision.id))
    )
    return _corrected(session.exec(statement.limit(limit)))


def _corrected(rows: Iterable[tuple[str, int | None, datetime]]) -> list[Corrected]:
    return [Corrected(unit, revision or 0, at) for unit, revision, at in rows]


def page(session: Session, *, before: int | None = None, limit: int = 100) -> Sequence[Correction]:
    """Corrections, newest first, from `before` on."""
    statement = select(Correction).order_by(col(Correction.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(col(Correction.id) < before)
    return session.exec(statement).all()


def newest(session: Session) -> dict[str, Correction]:
    """The newest correction of each unit that has one."""
    rows = session.exec(select(Correction).order_by(col(Correction.id)))
    return {row.unit: row for row in rows}


def took_back(session: Session, key: str) -> Correction | None:
    """The correction that took back the adjudication with this task key."""
    statement = select(Correction).where(
        Correction.adjudication == key, col(Correction.comparison).is_not(None)
    )
    return session.exec(statement).first()


def count_open(session: Session) -> int:
    """Units that were reopened and have no label again."""
    labelled = select(ConsensusRecord.unit)
    statement = select(func.count(func.distinct(Correction.unit)))
    return session.exec(statement.where(col(Correction.unit).not_in(labelled))).one()
