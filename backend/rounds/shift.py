"""The job that measures how far aided readings lean towards what was shown.

Not in the approval's request: with all figures to be gathered anew it takes seconds at thousands of studies.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from backend.agreement.service import figures
from backend.jobs.runner import IDLE, Job, JobContext, Outcome
from backend.rounds import repository
from backend.rounds.dataset import SnapshotSummary
from backend.rounds.tables import Round


def measure_shift(context: JobContext) -> Outcome:
    """The job: one approved round whose snapshot still lacks the figure."""
    with context.reading() as session:
        found = _waiting(session)
        if found is None:
            return IDLE
        known = figures(session, context.resources.database)
    round_id, summary = found
    shift = {effect.arm: effect.matches_proposal for effect in known.arm_effects()}
    measured = summary.model_copy(update={"shift": shift})
    with context.writing() as session:
        repository.get(session, round_id).summary = measured.model_dump_json()
    return Outcome(worked=True, note=f"measured for round {round_id}")


def _waiting(session: Session) -> tuple[str, SnapshotSummary] | None:
    statement = select(Round.id, Round.summary).where(col(Round.summary).is_not(None))
    for round_id, text in session.exec(statement.order_by(col(Round.approved_at).desc())):
        summary = SnapshotSummary.model_validate_json(text or "")
        if summary.shift is None:
            return round_id, summary
    return None


SHIFT_JOB = Job(name="round_shift", title="Lean towards proposals", every_s=60, run=measure_shift)
