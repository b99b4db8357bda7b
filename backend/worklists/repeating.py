"""Hidden repeats: which of a reader's own readings the reader is given once more.

A repeat has a new key and nothing else of its own: arm, slices and what is shown are those of the first
reading. Patients on whom the readers differed are never repeated, since a third person's decision may have
reached the reader; agreement with oneself is therefore that on patients both readers read alike.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from backend.adjudications.tables import Adjudication
from backend.comparisons.tables import ComparisonRecord
from backend.corrections.tables import Correction
from backend.people import repository as people
from backend.worklists import repository
from backend.worklists.repeats import WASHOUT, draw_repeats
from backend.worklists.tables import Assignment
from domain.taxonomy import Role


def first_readings(
    session: Session, reader: str, *, seed: int, now: datetime, most: int | None = None
) -> list[Assignment]:
    """The readings that a reader is given again now, patient by patient."""
    keys = _due(session, reader, _agreed_units(session), seed=seed, now=now, most=most)
    return [session.get_one(Assignment, key) for key in keys]


def count_due(session: Session, *, now: datetime) -> int:
    """How many units may be given again now, over all active readers."""
    readers, agreed = people.active_with_role(session, Role.READER), _agreed_units(session)
    return sum(len(_due(session, reader.id, agreed, seed=0, now=now)) for reader in readers)


def _due(
    session: Session, reader: str, agreed: set[str], *, seed: int, now: datetime, most: int | None = None
) -> list[str]:
    """The keys of the first readings."""
    read = repository.read_patients(session, reader)
    repeated = repository.repeated_patients(session, reader)
    eligible = [
        patient
        for patient, said in read.items()
        if patient not in repeated and said.signed_at <= now - WASHOUT and said.first.keys() <= agreed
    ]
    drawn = draw_repeats(
        eligible, seed=seed, reader=reader, read=len(read), repeated=len(repeated), most=most
    )
    return [key for patient in drawn for key in read[patient].first.values()]


def _agreed_units(session: Session) -> set[str]:
    """Units that two readers read alike from the first, and no third person was given."""
    unit = col(ComparisonRecord.unit)
    statement = select(ComparisonRecord.unit).where(
        ComparisonRecord.disagreements == 0,
        unit.not_in(select(Adjudication.unit)),
        unit.not_in(select(Correction.unit)),
    )
    return set(session.exec(statement))


def again(first: Assignment) -> dict[str, object]:
    """What a repeat takes from the first reading: all that the reader's browser receives, but the key."""
    kept = ("unit", "plane", "reader", "project", "arm", "selection", "inclusion")
    shown = ("prepared_at", "proposal", "model", "shown")
    return {name: getattr(first, name) for name in (*kept, *shown)}
