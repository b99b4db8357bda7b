"""Asking the ML backend for what is missing, a few units at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from backend.clock import Clock
from backend.jobs.runner import Job, JobContext, Outcome
from backend.outside.ml_backend import ProposalsAnswer, UnitToPropose
from backend.proposals import repository
from backend.proposals.schemas import ProposalsProgress
from backend.proposals.tables import ProposalRecord
from backend.studies import repository as studies
from backend.studies.tables import Unit
from domain.findings import Proposal

CHUNK = 4
RETRY_AFTER = timedelta(seconds=30)


def ask_for_missing(context: JobContext) -> Outcome:
    """The job: one chunk. Where the ML backend is down it raises, and the runner tries again later."""
    with context.reading() as session:
        if not studies.counts(session)[2]:
            return Outcome(worked=False, note="no units yet")
    model = context.resources.outside.ml_backend.model().version
    with context.reading() as session:
        units = repository.waiting(session, model, context.now - RETRY_AFTER, CHUNK)
        questions = [_question(session, unit) for unit in units]
    if questions:
        answer = context.resources.outside.ml_backend.propose(questions)
        with context.writing() as session:
            for question in questions:
                keep(session, question.unit, answer, context.resources.clock)
    with context.reading() as session:
        now = progress(session)
    return Outcome(
        worked=bool(questions), note=f"{now.proposed} of {now.units} units by {now.model or model}"
    )


def keep(session: Session, unit: str, answer: ProposalsAnswer, clock: Clock) -> None:
    """Store what the model said of a unit; a later success replaces a failure, never the reverse."""
    body, error = _checked(answer.proposals.get(unit), answer.model)
    known = repository.of_unit(session, unit, answer.model)
    if known is None:
        session.add(ProposalRecord(unit=unit, model=answer.model, body=body, error=error, asked_at=clock()))
    elif known.body is None:
        known.body, known.error = body, error
        known.attempts, known.asked_at = known.attempts + 1, clock()


def progress(session: Session) -> ProposalsProgress:
    """How far the newest model is."""
    units = studies.counts(session)[2]
    model = repository.newest_model(session)
    proposed, failed = repository.counts(session, model)
    return ProposalsProgress(
        model=model, units=units, proposed=proposed, failed=failed, waiting=units - proposed - failed
    )


def _question(session: Session, unit: Unit) -> UnitToPropose:
    series = studies.series(session, unit)
    return UnitToPropose(
        unit=unit.id,
        plane=unit.plane,
        midline=series.midline,
        slices=tuple(one.path for one in series.slices),
        spacing=series.spacing,
    )


def _checked(said: dict[str, Any] | None, model: str) -> tuple[str | None, str | None]:
    if said is None:
        return None, "the ML backend left this unit out of its answer"
    if "error" in said:
        return None, str(said["error"])[:500]
    try:
        proposal = Proposal.model_validate({"model": model, **said})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        return None, f"not a proposal: {'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
    return proposal.model_dump_json(), None


PROPOSALS_JOB = Job(name="proposals", title="Proposals from the ML backend", every_s=3, run=ask_for_missing)
