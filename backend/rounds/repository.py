"""Rows of rounds: leases and states change by one conditional update each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, or_, update
from sqlmodel import Session, col, func, select

from backend.database import changed
from backend.errors import Conflict, NotFound
from backend.jobs.runner import LeaseLost
from backend.rounds.tables import Look, Round
from domain.rounds import OPEN, RUNNING, RoundEvent, RoundState, advance


def get(session: Session, round_id: str) -> Round:
    """One round.

    Raises:
        NotFound: If there is none of this id.
    """
    row = session.get(Round, round_id)
    if row is None:
        raise NotFound(f"no round {round_id}")
    return row


def every(session: Session) -> Sequence[Round]:
    """All rounds, newest first."""
    return session.exec(select(Round).order_by(col(Round.planned_at).desc(), col(Round.id))).all()


def open_rounds(session: Session) -> Sequence[Round]:
    """Rounds that still lead somewhere by themselves."""
    return session.exec(select(Round).where(col(Round.state).in_(OPEN))).all()


def last_frozen(session: Session) -> Round | None:
    """The newest round whose snapshot was frozen."""
    statement = select(Round).where(col(Round.snapshot).is_not(None))
    return session.exec(statement.order_by(col(Round.approved_at).desc()).limit(1)).first()


def of_challenger(session: Session, version: str) -> Round | None:
    """The promoted round that made a model."""
    statement = select(Round).where(Round.challenger == version, col(Round.promoted_at).is_not(None))
    return session.exec(statement.limit(1)).first()


def looks(session: Session, test_set: str) -> int:
    """How often a test set was looked at."""
    return session.exec(select(func.count()).where(Look.test_set == test_set)).one()


def looks_to_come(session: Session, row: Round) -> int:
    """Looks at the same test set that other rounds in the queue or in training will spend."""
    waiting = col(Round.state).in_((RoundState.QUEUED, RoundState.TRAINING))
    statement = select(func.count()).where(waiting, Round.test_set == row.test_set, Round.id != row.id)
    return session.exec(statement).one()


def before(session: Session, row: Round) -> int:
    """How many rounds go before a queued one: what runs, and what was queued earlier."""
    if row.state is not RoundState.QUEUED or row.queued_at is None:
        return 0
    is_earlier = (col(Round.state) == RoundState.QUEUED) & (col(Round.queued_at) < row.queued_at)
    statement = select(func.count()).where(or_(col(Round.state).in_(RUNNING), is_earlier))
    return session.exec(statement).one()


def next_in_line(session: Session) -> Round | None:
    """The round that is running, else the oldest in the queue: one at a time."""
    running = col(Round.state).in_(RUNNING)
    statement = select(Round).where(or_(running, col(Round.state) == RoundState.QUEUED))
    order = case((running, 0), else_=1), col(Round.queued_at), col(Round.id)
    return session.exec(statement.order_by(*order).limit(1)).first()


def lease(session: Session, holder: str, now: datetime, lease_s: float) -> Round | None:
    """Take or renew the lease on the round that is running, else on the oldest in the queue."""
    candidate = next_in_line(session)
    if candidate is None:
        return None
    ours = col(Round.holder) == holder
    free = or_(col(Round.holder).is_(None), ours, col(Round.leased_until) < now)
    taken = changed(
        session,
        update(Round)
        .where(col(Round.id) == candidate.id, col(Round.state) == candidate.state, free)
        .values(
            holder=holder,
            fence=case((ours, col(Round.fence)), else_=col(Round.fence) + 1),
            leased_until=now + timedelta(seconds=lease_s),
        ),
    )
    if not taken:
        return None
    session.refresh(candidate)
    return candidate


def move(
    session: Session, row: Round, event: RoundEvent, *, fence: int | None = None, **values: Any
) -> RoundState:
    """Change a round's state, if nobody did so meanwhile and (for schedulers) the fence is still ours.

    Raises:
        WrongMoment: If the event cannot happen in the row's state.
        LeaseLost: If another scheduler holds the round now.
        Conflict: If its state is another one by now.
    """
    state = advance(row.state, event)
    conditions = [col(Round.id) == row.id, col(Round.state) == row.state]
    if fence is not None:
        conditions.append(col(Round.fence) == fence)
    if not changed(session, update(Round).where(*conditions).values(state=state, **values)):
        if fence is not None:
            raise LeaseLost(f"round {row.id}: another scheduler works on it now")
        raise Conflict(f"round {row.id} is not {row.state.value} any more; look again")
    session.get_one(Round, row.id, populate_existing=True)
    return state


def note(session: Session, row: Round, fence: int, **values: Any) -> Round:
    """Write on a round that is held; the row as it is now.

    Raises:
        LeaseLost: If another scheduler holds it now.
    """
    statement = update(Round).where(col(Round.id) == row.id, col(Round.fence) == fence).values(**values)
    if not changed(session, statement):
        raise LeaseLost(f"round {row.id}: another scheduler works on it now")
    return session.get_one(Round, row.id, populate_existing=True)
