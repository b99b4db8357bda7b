"""Rows of models, generations and replicas."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from backend.models.tables import Generation, ModelVersion, Replica


def current(session: Session) -> Generation | None:
    """The generation that should serve."""
    return session.exec(select(Generation).order_by(col(Generation.number).desc()).limit(1)).first()


def first(session: Session) -> Generation | None:
    """The first champion's generation."""
    return session.exec(select(Generation).order_by(col(Generation.number)).limit(1)).first()


def history(session: Session) -> Sequence[tuple[Generation, ModelVersion]]:
    """Every generation with its model, newest first."""
    statement = select(Generation, ModelVersion).join(
        ModelVersion, col(ModelVersion.version) == col(Generation.version)
    )
    return session.exec(statement.order_by(col(Generation.number).desc())).all()


def before(session: Session, number: int, version: str) -> Generation | None:
    """The newest generation before `number` that served another model."""
    statement = select(Generation).where(Generation.number < number, Generation.version != version)
    return session.exec(statement.order_by(col(Generation.number).desc()).limit(1)).first()


def replicas(session: Session) -> Sequence[Replica]:
    """Every ML backend that ever answered, by address."""
    return session.exec(select(Replica).order_by(Replica.address)).all()


def note_replica(session: Session, address: str, version: str, generation: int, now: datetime) -> None:
    """Keep what a replica said."""
    row = session.get(Replica, address)
    if row is None:
        session.add(Replica(address=address, version=version, generation=generation, seen_at=now))
    else:
        row.version, row.generation, row.seen_at = version, generation, now
