"""Rows of the jobs' states and leases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlmodel import Session, col, select

from backend.database import changed
from backend.jobs.tables import JobState


def ensure(session: Session, names: Iterable[str]) -> None:
    """Make a row for every job that has none."""
    for name in names:
        if session.get(JobState, name) is None:
            session.add(JobState(name=name))


def acquire(session: Session, name: str, holder: str, now: datetime, lease_s: float) -> int | None:
    """Take the lease if it is free, expired or ours; the fencing number, or `None`."""
    free = or_(
        col(JobState.holder).is_(None), col(JobState.holder) == holder, col(JobState.leased_until) < now
    )
    taken = changed(
        session,
        update(JobState)
        .where(col(JobState.name) == name, free)
        .values(holder=holder, fence=JobState.fence + 1, leased_until=now + timedelta(seconds=lease_s)),
    )
    if not taken:
        return None
    return session.exec(select(JobState.fence).where(JobState.name == name)).one()


def renew(session: Session, holder: str, now: datetime, lease_s: float) -> None:
    """Prolong every lease of this holder."""
    until = now + timedelta(seconds=lease_s)
    changed(session, update(JobState).where(col(JobState.holder) == holder).values(leased_until=until))


def release(session: Session, holder: str) -> None:
    """Give every lease of this holder back."""
    changed(
        session,
        update(JobState).where(col(JobState.holder) == holder).values(holder=None, leased_until=None),
    )


def is_held(session: Session, name: str, holder: str, fence: int) -> bool:
    """Whether this holder still leads the job."""
    row = session.get(JobState, name)
    return row is not None and row.holder == holder and row.fence == fence


def states(session: Session) -> Sequence[JobState]:
    """Every job, by name."""
    return session.exec(select(JobState).order_by(JobState.name)).all()
