"""Taking back what a late correction overtakes; the loop's other jobs then do it again."""

from __future__ import annotations

from sqlmodel import Session, SQLModel

from backend.adjudications import repository as adjudications
from backend.adjudications.tables import Adjudication
from backend.audit import service as audit
from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.corrections import repository
from backend.corrections.repository import Corrected
from backend.corrections.tables import Correction
from backend.jobs.runner import Job, JobContext, Outcome

CHUNK = 20


def reopen(context: JobContext) -> Outcome:
    """The job: one chunk. A task that waits for its decision leaves Label Studio before its row does."""
    with context.reading() as session:
        of_readings = repository.of_readings(session, CHUNK)
        is_any = bool(of_readings or repository.of_decisions(session, 1))
        tasks = [adjudications.open_task(session, one.unit) for one in of_readings]
    for task in tasks:
        if task is not None:
            context.resources.outside.label_studio.withdraw(task)
    if is_any:
        with context.writing() as session:
            for one in of_readings:
                _reopen_comparison(session, one, context)
            for one in repository.of_decisions(session, CHUNK):
                _reopen_decision(session, one, context)
    with context.reading() as session:
        left = repository.count_open(session)
    return Outcome(worked=is_any, note=f"{left} reopened units wait" if left else "")


def _reopen_comparison(session: Session, one: Corrected, context: JobContext) -> None:
    """A reader says otherwise: the comparison and all that follows from it are taken back."""
    record = session.get_one(ComparisonRecord, one.unit)
    given = adjudications.of_unit(session, one.unit)
    label = session.get(ConsensusRecord, one.unit)
    _keep(session, one, context, comparison=record, given=given, label=label)
    for row in (label, given, record):
        if row is not None:
            session.delete(row)
            # They refer to each other: in this order.
            session.flush()


def _reopen_decision(session: Session, one: Corrected, context: JobContext) -> None:
    """An adjudicator says otherwise: only the label is taken back."""
    given = adjudications.of_unit(session, one.unit)
    label = session.get(ConsensusRecord, one.unit)
    _keep(session, one, context, comparison=None, given=given, label=label)
    if label is not None:
        session.delete(label)
    if given is not None:
        given.decision = given.decided_at = None
    session.flush()


def _keep(
    session: Session,
    one: Corrected,
    context: JobContext,
    *,
    comparison: ComparisonRecord | None,
    given: Adjudication | None,
    label: ConsensusRecord | None,
) -> None:
    row = Correction(
        unit=one.unit,
        revision=one.revision,
        corrected_at=one.signed_at,
        reopened_at=context.now,
        adjudication=None if given is None else given.key,
        comparison=_json(comparison),
        given=_json(given),
        label=_json(label),
    )
    session.add(row)
    session.flush()
    audit.record(
        session,
        "unit.reopened",
        subject=one.unit,
        by=None,
        clock=context.resources.clock,
        revision=one.revision,
        corrected=row.corrected,
        label="none" if label is None else label.provenance.value,
    )


def _json(row: SQLModel | None) -> str | None:
    return None if row is None else row.model_dump_json()


CORRECTIONS_JOB = Job(name="corrections", title="Late corrections", every_s=2, run=reopen)
