"""Collecting what the nouns say of themselves."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from backend.access import Actor
from backend.home.schemas import JobOut
from backend.jobs import repository as jobs
from backend.jobs.runner import Job
from backend.jobs.tables import JobState
from backend.nouns import Advice, Noun, Stage


def stages(session: Session, nouns: Sequence[Noun]) -> list[Stage]:
    """The loop's stations in their order."""
    found = [stage for noun in nouns if noun.stages is not None for stage in noun.stages(session)]
    return sorted(found, key=lambda stage: stage.order)


def advice(session: Session, nouns: Sequence[Noun], actor: Actor) -> list[Advice]:
    """What this actor should do next, the most urgent first."""
    found = [one for noun in nouns if noun.advice is not None for one in noun.advice(session, actor)]
    return sorted(found, key=lambda one: one.order)


def job_states(session: Session, known: Sequence[Job]) -> list[JobOut]:
    """The background jobs, those in trouble first."""
    states = {state.name: state for state in jobs.states(session)}
    found = []
    for job in known:
        state = states.get(job.name) or JobState(name=job.name)
        found.append(
            JobOut(
                name=job.name,
                title=job.title,
                healthy=state.error is None and state.succeeded_at is not None,
                error=state.error,
                note=state.note,
                succeeded_at=state.succeeded_at,
                leader=state.holder,
            )
        )
    return sorted(found, key=lambda job: job.error is None)
