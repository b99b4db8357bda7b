"""Adding and retiring people, and their passwords in Label Studio."""

from __future__ import annotations

import secrets

from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, Actor
from backend.audit import service as audit
from backend.clock import Clock
from backend.errors import Conflict, Forbidden, NotFound
from backend.people import repository
from backend.people.schemas import NewPerson
from backend.people.tables import Person
from backend.projects import service as projects
from backend.resources import Resources
from backend.sessions import service as sessions
from domain.taxonomy import Role

ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without the letters and digits that look alike: people copy these by hand."""
PASSWORD_LENGTH = 16
RESERVED = "@discloop.invalid"


def may_manage(actor: Actor, role: Role) -> bool:
    """Whether the actor may add, retire, or give passwords to people of this role.

    A study lead manages who reads and adjudicates. Nobody gains a right by it: only those who have every
    right make engineers, admins and leads.
    """
    return actor.role in RUNS_THE_LOOP or role in projects.KIND_OF_ROLE


def _demand_may_manage(actor: Actor, role: Role) -> None:
    if not may_manage(actor, role):
        raise Forbidden(f"only engineers and admins manage people of the role {role.value}")


def add(session: Session, new: NewPerson, *, by: Actor, clock: Clock) -> Person:
    """Add somebody; Label Studio learns of them with the next projection.

    Raises:
        Forbidden: If the actor does not manage people of this role.
        Conflict: If the address is taken.
    """
    _demand_may_manage(by, new.role)
    email = new.email.lower()
    if email.endswith(RESERVED):
        raise Conflict(f"email: addresses at {RESERVED[1:]} are for accounts that are nobody's")
    if repository.by_email(session, email) is not None:
        raise Conflict("email: a person with this address exists already; nobody is ever deleted")
    person = Person(
        id=f"p-{secrets.token_hex(4)}", email=email, name=new.name, role=new.role, created_at=clock()
    )
    session.add(person)
    session.flush()
    projects.ensure_projects(session, person)
    audit.record(session, "person.added", subject=person.id, by=by, clock=clock, role=new.role.value)
    return person


def retire(session: Session, person_id: str, *, by: Actor, clock: Clock) -> Person:
    """End somebody's access at once; what they read stays theirs.

    Raises:
        NotFound: If there is no such person.
        Forbidden: If the actor does not manage people of their role.
        Conflict: If they would retire themselves.
    """
    person = get(session, person_id)
    _demand_may_manage(by, person.role)
    if person.id == by.id:
        raise Conflict("nobody retires themselves; ask another engineer or admin")
    if person.active:
        person.active, person.retired_at = False, clock()
        sessions.revoke_all(session, person.id, now=clock())
        audit.record(session, "person.retired", subject=person.id, by=by, clock=clock)
    return person


def sign_out(resources: Resources, person_id: str, *, by: Actor) -> None:
    """End somebody's sessions in Label Studio and here; their password stays.

    Raises:
        NotFound: If there is no such person.
        Forbidden: If the actor does not manage people of their role.
        Unavailable: If Label Studio does not answer; the sessions here have ended.
    """
    with resources.database.writing() as session:
        _demand_may_manage(by, get(session, person_id).role)
        sessions.revoke_all(session, person_id, now=resources.clock())
        audit.record(session, "person.signed_out", subject=person_id, by=by, clock=resources.clock)
    projects.push(resources)
    resources.outside.guard.sign_out(person_id)


def get(session: Session, person_id: str) -> Person:
    """One person.

    Raises:
        NotFound: If there is none of this id.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise NotFound(f"no person {person_id}")
    return person


def set_password(
    resources: Resources, person_id: str, password: str | None, *, by: Actor, final: bool = False
) -> str:
    """Set a password through the guard, after telling it of the person.

    It opens one page, where they choose their own; unless it is final.

    Raises:
        NotFound: If there is no such person.
        Forbidden: If the actor does not manage people of their role.
        Conflict: If they are retired.
        Unavailable: If Label Studio does not answer; the old password stays.
    """
    with resources.database.reading() as session:
        person = get(session, person_id)
        _demand_may_manage(by, person.role)
        if not person.active:
            raise Conflict("this person is retired and cannot sign in")
    chosen = password or "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))
    projects.push(resources)
    resources.outside.guard.set_password(person_id, chosen, final=final)
    with resources.database.writing() as session:
        sessions.revoke_all(session, person_id, now=resources.clock())
        audit.record(
            session, "person.password_set", subject=person_id, by=by, clock=resources.clock, final=final
        )
    return chosen
