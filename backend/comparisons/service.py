"""Comparing what has been read twice."""

from __future__ import annotations

from sqlmodel import Session

from backend.clock import Clock
from backend.comparisons import repository
from backend.comparisons.tables import ComparisonRecord
from backend.consensus import service as consensus
from backend.jobs.runner import Job, JobContext, Outcome
from backend.studies import repository as studies
from backend.studies.tables import Unit
from domain.comparison import compare
from domain.findings import Findings

CHUNK = 20


def compare_ready(context: JobContext) -> Outcome:
    """The job: one chunk. What agrees becomes consensus in the same transaction."""
    with context.reading() as session:
        units = repository.ready(session, CHUNK)
    made = 0
    if units:
        with context.writing() as session:
            made = sum(compare_unit(session, unit, clock=context.resources.clock) for unit in units)
    with context.reading() as session:
        total, differing = repository.counts(session)
    return Outcome(worked=made > 0, note=f"{total} units compared, {differing} differ")


def compare_unit(session: Session, unit_id: str, *, clock: Clock) -> bool:
    """Compare what a unit's two readers say last; whether there was anything to do."""
    readings = repository.newest_signed(session, unit_id)
    if session.get(ComparisonRecord, unit_id) is not None or len(readings) < 2:
        return False
    (first, ours), (second, theirs) = readings[:2]
    series = studies.series(session, session.get_one(Unit, unit_id))
    said = [Findings.model_validate_json(revision.findings or "") for revision in (ours, theirs)]
    comparison = compare(said[0], said[1], spacing=series.spacing)
    record = ComparisonRecord(
        unit=unit_id,
        first=first.key,
        second=second.key,
        first_revision=ours.id or 0,
        second_revision=theirs.id or 0,
        body=comparison.model_dump_json(),
        disagreements=len(comparison.disagreements),
        severity=comparison.severity,
        made_at=clock(),
    )
    session.add(record)
    session.flush()
    if comparison.agrees:
        consensus.from_agreement(session, record, clock=clock)
    return True


COMPARISONS_JOB = Job(name="comparisons", title="Comparing two readings", every_s=2, run=compare_ready)
