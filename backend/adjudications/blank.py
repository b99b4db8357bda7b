"""Blank readings: a random part of the units two readers agree on, read by an adjudicator without theirs.

To the adjudicator it is a unit like a reader's, unaided, in a reading project of their own. The label stays
what the readers agreed on: corrected in a twentieth of the units alone, the sample would no longer be like
the rest it speaks for.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter

from sqlmodel import Session, col, func, select

from backend.adjudications import repository
from backend.audit import service as audit
from backend.comparisons.tables import ComparisonRecord
from backend.corrections.tables import Correction
from backend.jobs.runner import Job, JobContext, Outcome
from backend.projects.service import ensure_project
from backend.projects.tables import ProjectKind
from backend.studies.tables import Unit
from backend.worklists import repository as worklists
from backend.worklists.service import KEY_BYTES
from backend.worklists.tables import Assignment, Plan, Selection
from domain.taxonomy import Arm

BLANK_SHARE = 0.05
"""Probability with which an agreed unit is read blank."""


def give_blank(context: JobContext) -> Outcome:
    """The job: give each agreed unit that the draw takes to an adjudicator, once."""
    with context.reading() as session:
        drawn = _drawn(session)
    made = 0
    if drawn:
        with context.writing() as session:
            made = _give(session, context, _drawn(session))
    with context.reading() as session:
        given, read = counts(session)
    return Outcome(worked=made > 0, note=f"{read} of {given} read")


def counts(session: Session) -> tuple[int, int]:
    """Units given to be read blank, and those read."""
    statement = select(func.count(), func.count(col(Assignment.first_signed_at))).select_from(Assignment)
    given, read = session.exec(statement.where(Assignment.selection == Selection.BLANK)).one()
    return given, read


def is_drawn(seed: int, unit: str) -> bool:
    """Whether a unit would be read blank, should its readers agree: from the seed of its plan."""
    return random.Random(f"{seed}:blank:{unit}").random() < BLANK_SHARE


def _drawn(session: Session) -> list[str]:
    """Units agreed on from the first that the draw takes and nobody was given blank, by id."""
    given = select(Assignment.unit).where(Assignment.selection == Selection.BLANK)
    # An adjudicator may have seen both readings of one that was reopened.
    reopened = select(Correction.unit)
    statement = (
        select(ComparisonRecord.unit, Plan.seed)
        .join(Assignment, col(Assignment.key) == col(ComparisonRecord.first))
        .join(Plan, col(Plan.id) == col(Assignment.plan))
        .where(ComparisonRecord.disagreements == 0, col(ComparisonRecord.unit).not_in(given))
        .where(col(ComparisonRecord.unit).not_in(reopened))
        .order_by(ComparisonRecord.unit)
    )
    return [unit for unit, seed in session.exec(statement) if is_drawn(seed, unit)]


def _give(session: Session, context: JobContext, drawn: list[str]) -> int:
    takers = {unit: repository.adjudicators_for(session, session.get_one(Unit, unit)) for unit in drawn}
    units = [unit for unit in drawn if takers[unit]]
    if not units:
        return 0
    secrets.SystemRandom().shuffle(units)
    made = Plan(
        id=f"w-{secrets.token_hex(4)}",
        seed=secrets.randbelow(2**31),
        shares="{}",
        planned_at=context.now,
        planned_by="blank",
    )
    session.add(made)
    session.flush()
    load = worklists.load(session)
    for unit in units:
        adjudicator = min(takers[unit], key=lambda person: (load[person], person))
        _assign(session, made, session.get_one(Unit, unit), adjudicator, load)
        audit.record(
            session, "blank.given", subject=unit, by=None, clock=context.resources.clock, to=adjudicator
        )
    return len(units)


def _assign(session: Session, made: Plan, unit: Unit, adjudicator: str, load: Counter[str]) -> None:
    load[adjudicator] += 1
    key = ensure_project(session, ProjectKind.READING, adjudicator, unit.plane).key
    session.add(
        Assignment(
            key=secrets.token_urlsafe(KEY_BYTES),
            plan=made.id,
            unit=unit.id,
            plane=unit.plane,
            reader=adjudicator,
            project=key,
            arm=Arm.UNAIDED,
            position=worklists.last_position(session, key) + 1,
            selection=Selection.BLANK,
            inclusion=BLANK_SHARE,
        )
    )
    session.flush()


BLANK_JOB = Job(name="blank", title="Agreed units to be read blank", every_s=10, run=give_blank)
