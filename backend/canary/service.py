"""Probing, the alarm, and its clearing."""

from __future__ import annotations

import secrets

import structlog
from sqlmodel import Session, col, select

from backend.access import Actor
from backend.audit import service as audit
from backend.canary.tables import CanaryState
from backend.clock import Clock
from backend.errors import Conflict, Unavailable
from backend.jobs.runner import Job, JobContext, Outcome
from backend.outside import Outside
from backend.projects.tables import Project
from backend.worklists.tables import Assignment
from domain.canary import CANARY, CANARY_EMAIL

log = structlog.get_logger(__name__)

EVERY_S = 60
REFUSED = 403
STOPPED = "stopped: the canary opened what is not its own; see /audit"


def state(session: Session) -> CanaryState:
    """The one row, made if need be."""
    row = session.get(CanaryState, 1)
    if row is None:
        row = CanaryState()
        session.add(row)
    return row


def stops_provisioning(session: Session) -> bool:
    """Whether the canary got in: no task is made until an engineer has cleared it."""
    row = session.get(CanaryState, 1)
    return row is not None and row.opened_at is not None


def probe(context: JobContext) -> Outcome:
    """The job: try to open the newest reading of somebody else, in every way a browser would.

    Raises:
        Unavailable: If it cannot tell: the canary cannot sign in, or the answer is neither yes nor no.
    """
    with context.reading() as session:
        paths = _foreign_paths(session)
    if not paths:
        return Outcome(worked=False, note="no task to probe yet")
    door = context.resources.outside.front_door
    _sign_in(context.resources.outside)
    answers = {path: door.status_of(path) for path in paths}
    opened = [path for path, status in answers.items() if status < 400]
    unclear = {path: status for path, status in answers.items() if status >= 400 and status != REFUSED}
    if not opened and unclear:
        raise Unavailable(f"the canary was neither let in nor refused: {sorted(set(unclear.values()))}")
    with context.writing() as session:
        note = _note(session, opened, len(paths), clock=context.resources.clock)
    return Outcome(worked=False, note=note)


def _note(session: Session, opened: list[str], tried: int, *, clock: Clock) -> str:
    row = state(session)
    row.probes += 1
    if not opened:
        row.probed_at = clock()
        return f"refused {tried} of {tried}"
    log.critical("the canary opened what is not its own", paths=opened)
    if row.opened_at is None:
        audit.record(session, "canary.opened", subject=CANARY, by=None, clock=clock, paths=opened)
        row.opened_at, row.opened = clock(), "\n".join(opened)
    return f"OPENED {len(opened)} of {tried}: provisioning stands still"


def clear(session: Session, *, by: Actor, clock: Clock) -> CanaryState:
    """Let provisioning go on after the leak was closed; the next probe may stop it again.

    Raises:
        Conflict: If there is no alarm.
    """
    row = state(session)
    if row.opened_at is None:
        raise Conflict("the canary has raised no alarm")
    audit.record(session, "canary.cleared", subject=CANARY, by=by, clock=clock, opened=row.opened)
    row.opened_at = row.opened = None
    return row


def _foreign_paths(session: Session) -> list[str]:
    """Ways to the newest task of a reader, read ones first."""
    statement = (
        select(Assignment, Project)
        .join(Project, col(Project.key) == col(Assignment.project))
        .where(col(Assignment.task).is_not(None), col(Project.label_studio_id).is_not(None))
        .order_by(col(Assignment.first_signed_at).is_(None), col(Assignment.provisioned_at).desc())
        .limit(1)
    )
    found = session.exec(statement).first()
    if found is None:
        return []
    assignment, project = found
    return ways_to(assignment.task, project.label_studio_id, assignment.key)


def ways_to(task: int | None, project: int | None, key: str) -> list[str]:
    """The addresses by which a browser would get at one task: itself, its list, its slices."""
    return [
        f"/api/tasks/{task}/",
        f"/api/tasks/{task}/annotations/",
        f"/api/tasks/?project={project}&fields=all",
        f"/api/projects/{project}/next/",
        f"/discloop/slices/{project}/{key}/0",
    ]


def _sign_in(outside: Outside) -> None:
    """A refusal counts only if the canary is signed in as the reader it is."""
    if outside.front_door.signed_in_as() == CANARY_EMAIL:
        return
    password = secrets.token_urlsafe(24)
    outside.guard.set_password(CANARY, password, final=True)
    outside.front_door.sign_in(CANARY_EMAIL, password)
    if outside.front_door.signed_in_as() != CANARY_EMAIL:
        raise Unavailable("the canary cannot sign in to Label Studio")


JOB = Job(name="canary", title="A stranger at the door", every_s=EVERY_S, run=probe)
