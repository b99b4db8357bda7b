"""The job that proposes a round where the policy says that one is due. A person approves it."""

from __future__ import annotations

from backend.errors import Conflict
from backend.jobs.runner import Job, JobContext, Outcome
from backend.rounds import repository, service
from backend.rounds.policy import due, policy_of


def propose_round(context: JobContext) -> Outcome:
    """The job: plan a round where the policy says that one is due."""
    policy = policy_of(context.resources.settings)
    with context.reading() as session:
        under_way = bool(repository.open_rounds(session))
        now = due(session, context.resources, policy)
    reached = [one.name.replace("_", " ") for one in now.distances if one.due]
    if under_way or not now.due:
        return Outcome(worked=False, note="one is under way" if under_way else "none is due")
    try:
        with context.writing() as session:
            service.plan(
                session,
                policy=policy,
                why=f"due by {', '.join(reached)}",
                by=None,
                clock=context.resources.clock,
            )
    except Conflict as reason:
        return Outcome(worked=False, note=str(reason))
    return Outcome(worked=True, note="a round was proposed")


PROPOSAL_JOB = Job(name="round_proposals", title="When to retrain", every_s=60, run=propose_round)
