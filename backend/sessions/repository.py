"""Rows of sessions and spent assertions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col

from backend.database import changed
from backend.sessions.tables import SignedIn, SpentAssertion


def revoke(
    session: Session, now: datetime, *, session_id: str | None = None, person: str | None = None
) -> int:
    """End one session, or all of a person's; how many ended."""
    which = col(SignedIn.id) == session_id if session_id else col(SignedIn.person) == person
    statement = update(SignedIn).where(which, col(SignedIn.revoked_at).is_(None)).values(revoked_at=now)
    return changed(session, statement)


def forget_expired(session: Session, now: datetime) -> int:
    """Remove sessions and spent assertions whose time is over; how many."""
    return changed(session, delete(SignedIn).where(col(SignedIn.expires_at) < now)) + changed(
        session, delete(SpentAssertion).where(col(SpentAssertion.expires_at) < now)
    )
