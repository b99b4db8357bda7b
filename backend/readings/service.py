"""From the guard's outbox to the ledger: every revision once, nothing lost, nothing changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import ValidationError
from sqlmodel import Session

from backend.clock import Clock
from backend.jobs.runner import JobContext, Outcome
from backend.outside.guard import Entry, OutboxPage
from backend.projects.tables import Project
from backend.readings import repository
from backend.readings.content import canonical, digest
from backend.readings.interpretation import Interpretation, Interpreter, RevisionState
from backend.readings.tables import Revision
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.tables import Assignment
from labeling_configs.codec import InvalidReading, SliceSize, decode

log = structlog.get_logger(__name__)

BATCH = 200


def pull(context: JobContext, interpreters: Mapping[str, Interpreter]) -> Outcome:
    """The job: one batch. Revisions and cursor are one transaction: a crash repeats both or keeps both."""
    with context.reading() as session:
        after = repository.cursor(session).last
    page = context.resources.outside.guard.outbox(after, BATCH)
    with context.writing() as session:
        kept = keep(session, page, after=after, interpreters=interpreters, clock=context.resources.clock)
        last = repository.cursor(session).last
    if kept is None:
        return Outcome(worked=True, note="a new outbox: reading it from its beginning")
    return Outcome(worked=bool(page.entries), note=f"revision {last} of {max(page.last, last)}")


def keep(
    session: Session, page: OutboxPage, *, after: int, interpreters: Mapping[str, Interpreter], clock: Clock
) -> int | None:
    """Store what a page brings; how many revisions were new, or `None` where the outbox is another one.

    Label Studio's database may have been replaced (restored, begun anew): then its outbox has another
    epoch and its own numbers, and is read from the beginning.
    """
    cursor = repository.cursor(session)
    epoch = page.entries[0].epoch if page.entries else page.epoch
    is_other = bool(cursor.epoch) and epoch is not None and epoch != cursor.epoch
    if (is_other or page.last < after) and after > 0:
        cursor.epoch, cursor.last = epoch or "", 0
        log.warning("the outbox is another one than before")
        return None
    known = repository.known(session, epoch or "", (entry.id for entry in page.entries))
    new = [entry for entry in page.entries if entry.id not in known]
    for entry in new:
        _append(session, entry, interpreters, clock)
    if page.entries:
        cursor.epoch, cursor.last = epoch or "", page.entries[-1].id
    return len(new)


def _append(session: Session, entry: Entry, interpreters: Mapping[str, Interpreter], clock: Clock) -> None:
    project = session.get(Project, entry.project_key) if entry.project_key else None
    meaning = _interpret(session, entry, project, interpreters)
    kind = project.kind.value if project else None
    number = None
    if meaning.state is RevisionState.SIGNED and kind and entry.task_key:
        number = repository.count_signed(session, kind, entry.task_key) + 1
    session.add(
        Revision(
            **entry.model_dump(exclude={"id", "project", "result"}),
            outbox_id=entry.id,
            kind=kind,
            body=None if entry.result is None else canonical(entry.result),
            state=meaning.state,
            reason=meaning.reason,
            findings=meaning.findings,
            number=number,
            received_at=clock(),
        )
    )
    # The next entry's number counts this one.
    session.flush()
    _note_on_assignment(session, entry, meaning)


def _interpret(
    session: Session, entry: Entry, project: Project | None, interpreters: Mapping[str, Interpreter]
) -> Interpretation:
    if entry.event == "deleted":
        return Interpretation(RevisionState.DELETED)
    reason = _reason_to_doubt(entry, project)
    if reason is not None or project is None:
        return quarantined(reason or "unknown project")
    if entry.cancelled:
        return Interpretation(RevisionState.SKIPPED)
    interpreter = interpreters.get(project.kind.value)
    if interpreter is None:
        return quarantined(f"nothing reads projects of kind {project.kind.value}")
    try:
        return interpreter(session, entry)
    except (ValidationError, ValueError, TypeError, KeyError, AttributeError) as error:
        # A result that our reading of it did not foresee must not stop those behind it.
        log.exception("revision not understood", outbox=entry.id)
        return quarantined(f"not understood ({type(error).__name__})")


def _reason_to_doubt(entry: Entry, project: Project | None) -> str | None:
    if project is None:
        return "unknown project"
    if entry.actor is None or entry.actor != entry.author:
        return "saved by another than its author"
    if entry.author != project.member:
        return "its author is not the project's member"
    if entry.result is None and not entry.cancelled:
        return "no content"
    if entry.result is not None and not _is_regions(entry.result):
        return "its content is not a list of regions"
    if entry.result is not None and entry.sha256 != digest(canonical(entry.result)):
        return "its content does not match its hash"
    return None


def _is_regions(result: Any) -> bool:
    return isinstance(result, list) and all(isinstance(region, dict) for region in result)


def quarantined(reason: str) -> Interpretation:
    """Kept, not counted."""
    return Interpretation(RevisionState.QUARANTINED, reason=reason)


def interpret_reading(session: Session, entry: Entry) -> Interpretation:
    """The interpreter of reading projects: the codec's, on the slices of the assignment's unit."""
    assignment = session.get(Assignment, entry.task_key) if entry.task_key else None
    if assignment is None:
        return quarantined("no assignment has this task key")
    if assignment.project != entry.project_key:
        return quarantined("the assignment belongs to another project")
    series = studies.series(session, session.get_one(Unit, assignment.unit))
    sizes = [SliceSize(one.width, one.height) for one in series.slices]
    try:
        findings = decode(entry.result or [], plane=assignment.plane, slices=sizes)
    except InvalidReading as error:
        return quarantined(str(error))
    return Interpretation(RevisionState.SIGNED, findings=findings.model_dump_json())


def _note_on_assignment(session: Session, entry: Entry, meaning: Interpretation) -> None:
    assignment = session.get(Assignment, entry.task_key) if entry.task_key else None
    if assignment is None or assignment.project != entry.project_key:
        return
    if meaning.state is RevisionState.SIGNED:
        assignment.first_signed_at = assignment.first_signed_at or entry.at
        assignment.skipped_at = None
    elif meaning.state is RevisionState.SKIPPED:
        assignment.skipped_at = entry.at


def shown(assignment: Assignment | None) -> list[dict[str, Any]] | None:
    """What the reader was shown, as it was pushed."""
    if assignment is None or assignment.shown is None:
        return None
    loaded: list[dict[str, Any]] = json.loads(assignment.shown)
    return loaded
