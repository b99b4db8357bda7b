"""Replacing who leaves: what they read stays theirs, what they have not read goes to a substitute."""

from __future__ import annotations

import secrets
from collections import Counter

from sqlmodel import Session, col, func, select

from backend.access import Actor
from backend.adjudications import repository as adjudications
from backend.adjudications.tables import Adjudication
from backend.audit import service as audit
from backend.calibrations import repository as calibrations
from backend.clock import Clock
from backend.errors import Conflict
from backend.people import service
from backend.people.schemas import Replacement
from backend.people.tables import Person
from backend.projects import service as projects
from backend.projects.tables import ProjectKind
from backend.readings import repository as readings
from backend.resources import Resources
from backend.studies.tables import Unit
from backend.worklists import repository as worklists
from backend.worklists.service import KEY_BYTES
from backend.worklists.tables import Assignment
from domain.taxonomy import Role

ON_THEIR_WAY = 2000
"""How many entries of the outbox are looked through for the leaver's."""


def replace(resources: Resources, leaver_id: str, substitute_id: str, *, by: Actor) -> Replacement:
    """Retire somebody and hand their unread units to a substitute; safe to run again, with another one.

    Access ends first: what they sign until then is theirs, and nothing is read by both.

    Raises:
        NotFound: If one of them does not exist.
        Conflict: If the substitute cannot take the place, or something of theirs is still on its way.
        Unavailable: If Label Studio does not answer; they are retired, nothing is handed over.
    """
    with resources.database.writing() as session:
        leaver, substitute = service.get(session, leaver_id), service.get(session, substitute_id)
        _demand_fit(session, leaver, substitute)
        service.retire(session, leaver.id, by=by, clock=resources.clock)
    projects.push(resources)
    with resources.database.reading() as session:
        cursor = readings.cursor(session).last
    page = resources.outside.guard.outbox(cursor, ON_THEIR_WAY)
    if any(entry.author == leaver_id for entry in page.entries):
        raise Conflict("they are retired; readings of theirs are on their way: try again in a few seconds")
    with resources.database.writing() as session:
        leaver, substitute = service.get(session, leaver_id), service.get(session, substitute_id)
        done = hand_over(session, leaver, substitute, clock=resources.clock)
        audit.record(
            session,
            "person.replaced",
            subject=leaver_id,
            by=by,
            clock=resources.clock,
            substitute=substitute_id,
            **done.model_dump(),
        )
    return done


def _demand_fit(session: Session, leaver: Person, substitute: Person) -> None:
    if leaver.role not in projects.KIND_OF_ROLE:
        raise Conflict("only readers and adjudicators have units to hand over; retire the others")
    if substitute.id == leaver.id or substitute.role is not leaver.role or not substitute.active:
        raise Conflict(f"substitute: expected another active {leaver.role.value}, got {substitute.id}")
    if substitute.role is Role.READER and substitute.id not in calibrations.qualified(session):
        raise Conflict(f"substitute: {substitute.id} has not passed the calibration")


def unread(session: Session) -> Counter[str]:
    """How many units each person has not read or decided yet; hidden repeats are left out."""
    given = select(Assignment.reader, func.count()).where(
        col(Assignment.first_signed_at).is_(None), Assignment.occasion == 1
    )
    open_ = select(Adjudication.adjudicator, func.count()).where(col(Adjudication.decision).is_(None))
    found = Counter(dict(session.exec(given.group_by(Assignment.reader)).all()))
    return found + Counter(dict(session.exec(open_.group_by(Adjudication.adjudicator)).all()))


def hand_over(session: Session, leaver: Person, substitute: Person, *, clock: Clock) -> Replacement:
    """Move what the leaver has not read to the end of the substitute's lists, in the order it had.

    A unit that the substitute reads or has read already stays, and so does one to adjudicate of a study that
    they read. A hidden repeat is taken back: it would have measured the leaver.
    """
    done = Replacement()
    _move_assignments(session, leaver, substitute, done)
    _move_adjudications(session, leaver, substitute, done, clock)
    return done


def _move_assignments(session: Session, leaver: Person, substitute: Person, done: Replacement) -> None:
    statement = select(Assignment).where(
        Assignment.reader == leaver.id, col(Assignment.first_signed_at).is_(None)
    )
    taken = set(session.exec(select(Assignment.unit).where(Assignment.reader == substitute.id)))
    for one in session.exec(statement.order_by(Assignment.project, col(Assignment.position))).all():
        if one.occasion > 1:
            session.delete(one)
            done.withdrawn += 1
        elif one.unit in taken or not _may_adjudicate(session, one.unit, substitute):
            done.stayed += 1
        else:
            project = projects.ensure_project(session, ProjectKind.READING, substitute.id, one.plane)
            one.position = worklists.last_position(session, project.key) + 1
            # Another key: the old one opens a task on the leaver's list.
            one.key, one.reader, one.project = secrets.token_urlsafe(KEY_BYTES), substitute.id, project.key
            one.task = one.provisioned_at = one.skipped_at = None
            done.moved += 1
        session.flush()


def _move_adjudications(
    session: Session, leaver: Person, substitute: Person, done: Replacement, clock: Clock
) -> None:
    statement = select(Adjudication).where(
        Adjudication.adjudicator == leaver.id, col(Adjudication.decision).is_(None)
    )
    rows = session.exec(statement.order_by(Adjudication.project, col(Adjudication.position))).all()
    # Signed, and not consensus yet: theirs.
    signed = {one.key for one, _ in adjudications.decided(session, adjudications.counts(session)[0] + 1)}
    for one in rows:
        if one.key in signed:
            continue
        if not _may_adjudicate(session, one.unit, substitute):
            done.stayed += 1
            continue
        project = projects.ensure_project(session, ProjectKind.ADJUDICATION, substitute.id, one.plane)
        one.position = adjudications.last_position(session, project.key) + 1
        one.key, one.adjudicator = secrets.token_urlsafe(KEY_BYTES), substitute.id
        one.project, one.given_at = project.key, clock()
        one.task = one.provisioned_at = None
        done.moved += 1
        session.flush()


def _may_adjudicate(session: Session, unit: str, person: Person) -> bool:
    """An adjudicator gets no unit of a study that they read; readers are asked otherwise."""
    if person.role is not Role.ADJUDICATOR:
        return True
    return person.id in adjudications.adjudicators_for(session, session.get_one(Unit, unit))
