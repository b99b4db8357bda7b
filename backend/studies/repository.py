"""Rows of patients, studies and units."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

from backend.errors import NotFound
from backend.studies.tables import Patient, StudyRecord, Unit
from domain.manifest import Series, Study
from domain.taxonomy import Plane


def unit_id(study: str, plane: Plane) -> str:
    """The name of a study's unit."""
    return f"{study}-{plane.value}"


def counts(session: Session) -> tuple[int, int, int]:
    """How many patients, studies and units there are."""
    patients = session.exec(select(func.count()).select_from(Patient)).one()
    studies = session.exec(select(func.count()).select_from(StudyRecord)).one()
    units = session.exec(select(func.count()).select_from(Unit)).one()
    return patients, studies, units


def every_study(session: Session) -> Sequence[StudyRecord]:
    """Every study, by id."""
    return session.exec(select(StudyRecord).order_by(StudyRecord.id)).all()


def patients(session: Session) -> dict[str, Patient]:
    """Every patient, by id."""
    return {patient.id: patient for patient in session.exec(select(Patient))}


def by_digest(session: Session, digest: str) -> StudyRecord | None:
    """The study of these source pixels."""
    return session.exec(select(StudyRecord).where(StudyRecord.digest == digest)).one_or_none()


def units_of(session: Session, studies: Sequence[str]) -> Sequence[Unit]:
    """Units of these studies, by id."""
    return session.exec(select(Unit).where(col(Unit.study).in_(studies)).order_by(Unit.id)).all()


def units_by_study(session: Session) -> dict[str, list[Unit]]:
    """Every unit, by study."""
    found: dict[str, list[Unit]] = {}
    for unit in session.exec(select(Unit).order_by(Unit.id)):
        found.setdefault(unit.study, []).append(unit)
    return found


def study(session: Session, study_id: str) -> Study:
    """The study as its manifest's line says.

    Raises:
        NotFound: If there is none of this id.
    """
    row = session.get(StudyRecord, study_id)
    if row is None:
        raise NotFound(f"no study {study_id}")
    return Study.model_validate_json(row.manifest)


def series(session: Session, unit: Unit) -> Series:
    """The stack of a unit."""
    stacks = study(session, unit.study).series
    return next(one for one in stacks if one.plane == unit.plane)
