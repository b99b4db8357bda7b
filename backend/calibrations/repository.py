"""Rows of calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, func, select

from backend.calibrations.tables import (
    CalibrationAttempt,
    CalibrationDisc,
    CalibrationSet,
    CalibrationTask,
)
from backend.people import repository as people
from backend.people.tables import Person
from backend.projects.tables import Project
from backend.readings.tables import Revision
from domain.taxonomy import Role

KIND = "calibration"
"""Of the projects, and of their revisions in the ledger."""


def newest(session: Session) -> CalibrationSet | None:
    """The set that attempts begin on now; `None` where the study has none."""
    return session.exec(select(CalibrationSet).order_by(col(CalibrationSet.id).desc()).limit(1)).first()


def key_of(session: Session, calibration: int) -> Sequence[CalibrationDisc]:
    """The lines of one key, by study and level."""
    statement = select(CalibrationDisc).where(CalibrationDisc.calibration == calibration)
    return session.exec(statement.order_by(CalibrationDisc.study, col(CalibrationDisc.level))).all()


def qualified(session: Session) -> list[str]:
    """Active readers who may be given units, by id: who passed; without any set, everybody."""
    readers = [person.id for person in people.active_with_role(session, Role.READER)]
    if newest(session) is None:
        return readers
    passed = set(session.exec(select(CalibrationAttempt.reader).where(col(CalibrationAttempt.passed))))
    return [reader for reader in readers if reader in passed]


def all_passed(session: Session) -> bool:
    """Whether there is nothing to give and nothing to score."""
    active = people.active_with_role(session, Role.READER)
    return len(qualified(session)) == len(active) and not unfinished(session)


def attempts(session: Session, reader: str | None = None) -> Sequence[CalibrationAttempt]:
    """Everybody's attempts, or one reader's, the oldest first."""
    statement = select(CalibrationAttempt).order_by(CalibrationAttempt.reader, col(CalibrationAttempt.number))
    if reader is not None:
        statement = statement.where(CalibrationAttempt.reader == reader)
    return session.exec(statement).all()


def unfinished(session: Session) -> Sequence[CalibrationAttempt]:
    """Attempts of active readers of which a case is still to be signed."""
    statement = (
        select(CalibrationAttempt)
        .join(Person, col(Person.id) == col(CalibrationAttempt.reader))
        .where(col(CalibrationAttempt.finished_at).is_(None), col(Person.active))
    )
    return session.exec(statement.order_by(col(CalibrationAttempt.id))).all()


@dataclass(frozen=True)
class Case:
    """One case of an attempt, with its first signed answer."""

    task: CalibrationTask
    project: Project
    signed: Revision | None


def cases(session: Session, attempt: int) -> list[Case]:
    """The cases of one attempt in their order."""
    statement = (
        select(CalibrationTask, Project, Revision)
        .join(Project, col(Project.key) == col(CalibrationTask.project))
        .outerjoin(
            Revision,
            (col(Revision.task_key) == col(CalibrationTask.key))
            & (col(Revision.kind) == KIND)
            & (col(Revision.number) == 1),
        )
        .where(CalibrationTask.attempt == attempt)
        .order_by(col(CalibrationTask.position))
    )
    return [Case(*row) for row in session.exec(statement)]


def unprovisioned(session: Session, project: str, limit: int) -> Sequence[CalibrationTask]:
    """Cases of a project that have no task yet, attempt by attempt in their order."""
    statement = select(CalibrationTask).where(
        CalibrationTask.project == project, col(CalibrationTask.task).is_(None)
    )
    order = col(CalibrationTask.attempt), col(CalibrationTask.position)
    return session.exec(statement.order_by(*order).limit(limit)).all()


def count_passed(session: Session) -> int:
    """How many readers, active or not, have passed."""
    statement = select(func.count(func.distinct(CalibrationAttempt.reader)))
    return session.exec(statement.where(col(CalibrationAttempt.passed))).one()
