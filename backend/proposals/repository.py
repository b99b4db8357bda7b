"""Rows of proposals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, or_
from sqlmodel import Session, col, func, select

from backend.proposals.tables import ProposalRecord
from backend.studies.tables import Unit

TRIES = 5
"""After so many failures of one model on one unit, the unit is read without a proposal."""


def waiting(session: Session, model: str, retry_before: datetime, limit: int) -> Sequence[Unit]:
    """Units without this model's proposal: never asked, or failed before that moment and worth a try."""
    joined = and_(col(ProposalRecord.unit) == col(Unit.id), col(ProposalRecord.model) == model)
    retry = and_(
        col(ProposalRecord.error).is_not(None),
        col(ProposalRecord.attempts) < TRIES,
        col(ProposalRecord.asked_at) < retry_before,
    )
    statement = select(Unit).outerjoin(ProposalRecord, joined)
    statement = statement.where(or_(col(ProposalRecord.id).is_(None), retry))
    # What was never asked comes first: one bad unit must not hold up the rest.
    return session.exec(
        statement.order_by(func.coalesce(ProposalRecord.attempts, 0), Unit.id).limit(limit)
    ).all()


def of_unit(session: Session, unit: str, model: str) -> ProposalRecord | None:
    """One model's proposal on one unit."""
    statement = select(ProposalRecord).where(ProposalRecord.unit == unit, ProposalRecord.model == model)
    return session.exec(statement).one_or_none()


def newest(session: Session, units: Sequence[str]) -> dict[str, ProposalRecord]:
    """By unit, the newest proposal that worked; where none did, the newest failure."""
    statement = select(ProposalRecord).where(col(ProposalRecord.unit).in_(units))
    found: dict[str, ProposalRecord] = {}
    for record in session.exec(statement.order_by(col(ProposalRecord.id))):
        held = found.get(record.unit)
        if record.body is not None or held is None or held.body is None:
            found[record.unit] = record
    return found


def worked(session: Session, units: Sequence[str]) -> dict[str, list[ProposalRecord]]:
    """By unit, every model's proposal that worked, the newest last."""
    statement = select(ProposalRecord).where(col(ProposalRecord.unit).in_(units))
    found: dict[str, list[ProposalRecord]] = {}
    for record in session.exec(statement.order_by(col(ProposalRecord.id))):
        if record.body is not None:
            found.setdefault(record.unit, []).append(record)
    return found


def newest_model(session: Session) -> str | None:
    """The model version that was asked last."""
    return session.exec(select(ProposalRecord.model).order_by(col(ProposalRecord.id).desc()).limit(1)).first()


def counts(session: Session, model: str | None) -> tuple[int, int]:
    """How many units have this model's proposal, and on how many it failed for good or for now."""
    statement = select(
        func.count(col(ProposalRecord.body)), func.count() - func.count(col(ProposalRecord.body))
    ).where(ProposalRecord.model == model)
    proposed, failed = session.exec(statement).one()
    return proposed, failed
