"""Rows of adjudications."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from backend.adjudications.tables import Adjudication
from backend.comparisons.tables import ComparisonRecord
from backend.people.tables import Person
from backend.projects.tables import Project
from backend.readings import repository as readings
from backend.readings.tables import Revision
from backend.studies.tables import Unit
from backend.worklists.tables import Assignment, Selection
from domain.taxonomy import DisagreementKind, Role


def waiting(session: Session, limit: int) -> Sequence[ComparisonRecord]:
    """Units that differ and that nobody was given to adjudicate, the gravest first."""
    given = select(Adjudication.unit)
    statement = select(ComparisonRecord).where(
        col(ComparisonRecord.disagreements) > 0, col(ComparisonRecord.unit).not_in(given)
    )
    order = col(ComparisonRecord.severity).desc(), col(ComparisonRecord.unit)
    return session.exec(statement.order_by(*order).limit(limit)).all()


def count_waiting(session: Session) -> int:
    """How many units differ that nobody was given."""
    given = select(Adjudication.unit)
    statement = select(func.count()).where(
        col(ComparisonRecord.disagreements) > 0, col(ComparisonRecord.unit).not_in(given)
    )
    return session.exec(statement).one()


def adjudicators_for(session: Session, unit: Unit) -> Sequence[str]:
    """Active adjudicators who were never one of the study's two readers, by id."""
    siblings = select(Unit.id).where(Unit.study == unit.study)
    readers = select(Assignment.reader).where(
        col(Assignment.unit).in_(siblings), Assignment.selection != Selection.BLANK
    )
    statement = select(Person.id).where(
        Person.role == Role.ADJUDICATOR, col(Person.active).is_(True), col(Person.id).not_in(readers)
    )
    return session.exec(statement.order_by(Person.id)).all()


def load(session: Session) -> Counter[str]:
    """How many units each adjudicator was given."""
    statement = select(Adjudication.adjudicator, func.count()).group_by(Adjudication.adjudicator)
    return Counter({person: count for person, count in session.exec(statement)})


def last_position(session: Session, project: str) -> int:
    """The highest position in a project, 0 where it is empty."""
    statement = select(func.max(Adjudication.position)).where(Adjudication.project == project)
    return session.exec(statement).one() or 0


def unprovisioned(session: Session, project: str, limit: int) -> Sequence[Adjudication]:
    """Adjudications of a project that have no task yet, in their order."""
    statement = select(Adjudication).where(Adjudication.project == project, col(Adjudication.task).is_(None))
    return session.exec(statement.order_by(col(Adjudication.position)).limit(limit)).all()


def decided(session: Session, limit: int) -> Sequence[tuple[Adjudication, Revision]]:
    """Adjudications with a signed decision in the ledger that is no consensus yet, and the newest of it."""
    newest = (
        select(func.max(Revision.id))
        .where(Revision.task_key == col(Adjudication.key), Revision.kind == "adjudication")
        .where(readings.counts(session))
        .correlate(Adjudication)
        .scalar_subquery()
    )
    statement = (
        select(Adjudication, Revision)
        .join(Revision, col(Revision.id) == newest)
        .where(col(Adjudication.decision).is_(None))
    )
    return session.exec(statement.order_by(col(Revision.id)).limit(limit)).all()


Queued = tuple[Adjudication, Person, Project, ComparisonRecord]


def queue(
    session: Session,
    *,
    adjudicator: str | None = None,
    kind: DisagreementKind | None = None,
    decided: bool | None = None,
    gravest_first: bool = False,
    limit: int,
    offset: int = 0,
) -> Sequence[Queued]:
    """Adjudications with their adjudicator, project and comparison; undecided ones first.

    Args:
        session: A session.
        adjudicator: Only this person's.
        kind: Only units that differ in this.
        decided: Only decided ones, the newest first, or only those that wait.
        gravest_first: By severity instead of by place on the lists.
        limit: At most so many.
        offset: After so many.
    """
    statement = (
        select(Adjudication, Person, Project, ComparisonRecord)
        .join(Person, col(Person.id) == col(Adjudication.adjudicator))
        .join(Project, col(Project.key) == col(Adjudication.project))
        .join(ComparisonRecord, col(ComparisonRecord.unit) == col(Adjudication.unit))
        .where(*_chosen(adjudicator, kind, decided))
    )
    places: list[Any] = [col(Adjudication.project), col(Adjudication.position)]
    if decided:
        places = [col(Adjudication.decided_at).desc(), *places]
    if gravest_first:
        places = [col(Adjudication.severity).desc(), *places]
    order = col(Adjudication.decided_at).is_not(None), *places
    return session.exec(statement.order_by(*order).limit(limit).offset(offset)).all()


def count_queue(
    session: Session, *, adjudicator: str | None = None, kind: DisagreementKind | None = None
) -> int:
    """How many adjudications the queue holds."""
    statement = (
        select(func.count())
        .select_from(Adjudication)
        .join(ComparisonRecord, col(ComparisonRecord.unit) == col(Adjudication.unit))
        .where(*_chosen(adjudicator, kind, None))
    )
    return session.exec(statement).one()


def _chosen(
    adjudicator: str | None, kind: DisagreementKind | None, decided: bool | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if adjudicator is not None:
        conditions.append(col(Adjudication.adjudicator) == adjudicator)
    if kind is not None:
        # As the comparison is written: nothing else in it is called so.
        conditions.append(col(ComparisonRecord.body).contains(f'"kind":"{kind.value}"', autoescape=True))
    if decided is not None:
        conditions.append(
            col(Adjudication.decided_at).is_not(None) if decided else col(Adjudication.decided_at).is_(None)
        )
    return conditions


def counts(session: Session) -> tuple[int, int]:
    """Adjudications, and those decided."""
    statement = select(func.count(), func.count(col(Adjudication.decision))).select_from(Adjudication)
    given, done = session.exec(statement).one()
    return given, done


def of_adjudicator(session: Session, person: str) -> tuple[int, int, int]:
    """One adjudicator's units: given, in Label Studio, decided."""
    statement = select(
        func.count(), func.count(col(Adjudication.task)), func.count(col(Adjudication.decision))
    ).where(Adjudication.adjudicator == person)
    given, ready, done = session.exec(statement).one()
    return given, ready, done


def progress(session: Session, person: str) -> Sequence[tuple[Project, int, int]]:
    """One adjudicator's lists: their units with a task in Label Studio, and those decided."""
    statement = (
        select(Project, func.count(col(Adjudication.task)), func.count(col(Adjudication.decision)))
        .join(Adjudication, col(Adjudication.project) == col(Project.key))
        .where(Adjudication.adjudicator == person)
        .group_by(col(Project.key))
        .order_by(col(Project.plane).desc())
    )
    return session.exec(statement).all()


def of_unit(session: Session, unit: str) -> Adjudication | None:
    """A unit's adjudication."""
    return session.exec(select(Adjudication).where(Adjudication.unit == unit)).one_or_none()


def open_task(session: Session, unit: str) -> int | None:
    """Label Studio's number of the task in which a unit waits for its decision."""
    given = of_unit(session, unit)
    return None if given is None or given.decision is not None else given.task
