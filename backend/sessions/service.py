"""Beginning, finding and ending sessions."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from backend.access import Actor
from backend.audit import service as audit
from backend.clock import Clock
from backend.errors import Forbidden
from backend.people.tables import Person
from backend.sessions import repository
from backend.sessions.schemas import Assertion
from backend.sessions.tables import SignedIn, SpentAssertion


def begin(session: Session, assertion: Assertion, *, hours: float, clock: Clock) -> str:
    """Spend an assertion; the new session's token, for the cookie.

    Raises:
        Forbidden: If the assertion was used, or its person is unknown, retired or of another role here.
    """
    if session.get(SpentAssertion, assertion.jti) is not None:
        raise Forbidden("this sign-in was used already; please sign in again")
    session.add(SpentAssertion(jti=assertion.jti, expires_at=datetime.fromtimestamp(assertion.exp, UTC)))
    person = session.get(Person, assertion.sub)
    if person is None or not person.active:
        raise Forbidden("this person has no access")
    if person.role != assertion.role:
        raise Forbidden("this person's role has just changed; please sign in again in a minute")
    token, now = secrets.token_urlsafe(32), clock()
    session.add(
        SignedIn(
            id=_hash(token),
            person=person.id,
            csrf=secrets.token_urlsafe(32),
            created_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    audit.record(session, "session.begun", subject=person.id, by=None, clock=clock)
    return token


def actor_of(session: Session, token: str, *, now: datetime) -> Actor | None:
    """Who holds this token, if its session still runs and the person is active."""
    row = session.get(SignedIn, _hash(token))
    if row is None or row.revoked_at is not None or row.expires_at <= now:
        return None
    person = session.get(Person, row.person)
    if person is None or not person.active:
        return None
    return Actor(id=person.id, name=person.name, role=person.role, session=row.id, csrf=row.csrf)


def end(session: Session, actor: Actor, *, clock: Clock) -> None:
    """Sign out."""
    if actor.session and repository.revoke(session, clock(), session_id=actor.session):
        audit.record(session, "session.ended", subject=actor.id, by=actor, clock=clock)


def revoke_all(session: Session, person: str, *, now: datetime) -> None:
    """End every session of a person."""
    repository.revoke(session, now, person=person)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
