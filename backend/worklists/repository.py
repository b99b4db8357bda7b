"""Rows of plans, arms and assignments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from backend.calibrations.tables import CalibrationDisc
from backend.people.tables import Person
from backend.projects.tables import Project, ProjectKind
from backend.studies.tables import StudyRecord, Unit
from backend.worklists.schemas import ReaderProgress
from backend.worklists.tables import ArmDraw, Assignment


def calibration_patients() -> SelectOfScalar[str]:
    """Statement: the patients whom a key names, of whichever set. They teach readers, and nothing else."""
    return select(StudyRecord.patient).join(
        CalibrationDisc, col(CalibrationDisc.study) == col(StudyRecord.id)
    )


def unplanned_studies(session: Session) -> Sequence[StudyRecord]:
    """Studies of which nobody was given a unit, by id; never of a calibration patient."""
    given = select(Unit.study).join(Assignment, col(Assignment.unit) == col(Unit.id))
    statement = select(StudyRecord).where(
        col(StudyRecord.id).not_in(given), col(StudyRecord.patient).not_in(calibration_patients())
    )
    return session.exec(statement.order_by(StudyRecord.id)).all()


def arms(session: Session) -> dict[str, ArmDraw]:
    """The arms drawn so far, by patient."""
    return {draw.patient: draw for draw in session.exec(select(ArmDraw))}


def load(session: Session) -> Counter[str]:
    """How many assignments each reader has."""
    statement = select(Assignment.reader, func.count()).group_by(Assignment.reader)
    return Counter({reader: count for reader, count in session.exec(statement)})


class Read(NamedTuple):
    """A patient as one reader has read them."""

    first: dict[str, str]
    """Keys of the first readings by unit, none of them open."""
    signed_at: datetime
    """The newest signature."""


def read_patients(session: Session, reader: str) -> dict[str, Read]:
    """The patients of whom a reader has read everything they were given."""
    statement = (
        select(StudyRecord.patient, Assignment.unit, Assignment.key, Assignment.first_signed_at)
        .join(Unit, col(Unit.id) == col(Assignment.unit))
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
        .where(Assignment.reader == reader, Assignment.occasion == 1)
        .order_by(Assignment.unit)
    )
    given: dict[str, dict[str, str]] = {}
    signed: dict[str, list[datetime]] = {}
    for patient, unit, key, at in session.exec(statement):
        given.setdefault(patient, {})[unit] = key
        if at is not None:
            signed.setdefault(patient, []).append(at)
    read = [patient for patient in given if len(signed.get(patient, ())) == len(given[patient])]
    return {patient: Read(given[patient], max(signed[patient])) for patient in read}


def repeated_patients(session: Session, reader: str) -> set[str]:
    """The patients that a reader was given again."""
    statement = (
        select(StudyRecord.patient)
        .join(Unit, col(Unit.study) == col(StudyRecord.id))
        .join(Assignment, col(Assignment.unit) == col(Unit.id))
        .where(Assignment.reader == reader, Assignment.occasion > 1)
    )
    return set(session.exec(statement))


def last_position(session: Session, project: str) -> int:
    """The highest position in a project, 0 where it is empty."""
    statement = select(func.max(Assignment.position)).where(Assignment.project == project)
    return session.exec(statement).one() or 0


def unprovisioned(session: Session, project: str, limit: int) -> Sequence[Assignment]:
    """Assignments of a project that have no task yet, in their order."""
    statement = select(Assignment).where(Assignment.project == project, col(Assignment.task).is_(None))
    return session.exec(statement.order_by(col(Assignment.position)).limit(limit)).all()


def count_unprovisioned(session: Session) -> int:
    """How many assignments have no task yet."""
    return session.exec(select(func.count()).where(col(Assignment.task).is_(None))).one()


def totals(session: Session) -> tuple[int, int, int]:
    """Assignments, those in Label Studio, those read."""
    statement = select(
        func.count(), func.count(col(Assignment.task)), func.count(col(Assignment.first_signed_at))
    ).select_from(Assignment)
    planned, ready, read = session.exec(statement).one()
    return planned, ready, read


def twice_read(session: Session) -> int:
    """Units that two readers have read."""
    read = (
        select(Assignment.unit)
        .where(col(Assignment.first_signed_at).is_not(None), Assignment.occasion == 1)
        .group_by(Assignment.unit)
        .having(func.count() >= 2)
        .subquery()
    )
    return session.exec(select(func.count()).select_from(read)).one()


def count_units(session: Session) -> int:
    """Units that somebody was given."""
    return session.exec(select(func.count(func.distinct(Assignment.unit)))).one()


def progress(session: Session, reader: str | None = None) -> list[ReaderProgress]:
    """How far each reader is, project by project."""
    given = func.count(), func.count(col(Assignment.task)), func.count(col(Assignment.first_signed_at))
    after = func.count(col(Assignment.skipped_at)), func.max(Assignment.first_signed_at)
    by_project = col(Assignment.project)
    counted = session.exec(select(by_project, *given).group_by(by_project))
    counts = {key: tuple(numbers) for key, *numbers in counted}
    ended = session.exec(select(by_project, *after).group_by(by_project))
    ends = {key: (skipped, newest) for key, skipped, newest in ended}
    members = select(Project, Person).join(Person, col(Person.id) == col(Project.member))
    members = members.where(Project.kind == ProjectKind.READING)
    if reader is not None:
        members = members.where(Person.id == reader)
    found = []
    for project, person in session.exec(members.order_by(Person.name, Person.id, Project.key)):
        planned, ready, read = counts.get(project.key, (0, 0, 0))
        skipped, newest = ends.get(project.key, (0, None))
        found.append(
            ReaderProgress(
                reader=person.id,
                name=person.name,
                project=project.key,
                project_number=project.label_studio_id,
                plane=project.plane,
                planned=planned,
                ready=ready,
                read=read,
                skipped=skipped,
                newest=newest,
            )
        )
    return found


def of_plan(session: Session, plan: str) -> Sequence[tuple[Assignment, str]]:
    """The assignments of one plan, each with its study."""
    statement = select(Assignment, Unit.study).join(Unit, col(Unit.id) == col(Assignment.unit))
    return session.exec(statement.where(Assignment.plan == plan)).all()


def has_shown(session: Session, project: str) -> bool:
    """Whether a task of the project was made with a prediction."""
    statement = select(Assignment.key).where(
        Assignment.project == project, col(Assignment.shown).is_not(None), col(Assignment.task).is_not(None)
    )
    return session.exec(statement.limit(1)).first() is not None
