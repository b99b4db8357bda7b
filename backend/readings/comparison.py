"""The nightly comparison of the ledger with what Label Studio holds: it catches what signals miss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from sqlmodel import Session, select

from backend.jobs.runner import JobContext, Outcome
from backend.outside.label_studio import StoredAnnotation
from backend.projects import repository as projects
from backend.projects.tables import ProjectKind
from backend.readings import repository
from backend.readings.content import canonical, digest
from backend.readings.interpretation import Interpreter, RevisionState
from backend.readings.service import pull
from backend.readings.tables import Discrepancy, LedgerCheck

Pull = Callable[[JobContext], Outcome]


def compare_nightly(context: JobContext, interpreters: Mapping[str, Interpreter]) -> Outcome:
    """The job: once a night, after the set hour."""
    now = context.now
    with context.reading() as session:
        last = repository.last_check(session)
    is_done = last is not None and last.started_at.date() == now.date()
    if is_done or now.hour < context.resources.settings.compare_at_hour:
        return Outcome(worked=False, note=_note(last))
    return Outcome(worked=False, note=_note(compare(context, interpreters)))


def compare(context: JobContext, interpreters: Mapping[str, Interpreter]) -> LedgerCheck:
    """Compare everything now.

    Label Studio is listed first and the outbox drained after, so what is saved meanwhile is no discrepancy.
    """
    started = context.now
    label_studio = context.resources.outside.label_studio
    with context.reading() as session:
        where = {p.key: p.label_studio_id for kind in ProjectKind for p in projects.of_kind(session, kind)}
    listed = {key: list(label_studio.annotations(n)) for key, n in where.items() if n is not None}
    while pull(context, interpreters).worked:
        pass
    with context.writing() as session:
        found = [one for key, held in listed.items() for one in _differences(session, key, held, started)]
        new = [one for one in found if not _is_known(session, one)]
        session.add_all(new)
        check = LedgerCheck(
            started_at=started,
            finished_at=context.now,
            annotations=sum(len(held) for held in listed.values()),
            discrepancies=len(found),
        )
        session.add(check)
    return check


def _differences(
    session: Session, project: str, held: list[StoredAnnotation], started: datetime
) -> Iterator[Discrepancy]:
    for stored in held:
        body = canonical(stored.result)
        revisions = repository.of_annotation(session, stored.task_key, stored.annotation, stored.uid)
        if not revisions or all(one.body != body for one in revisions):
            yield Discrepancy(
                kind="different" if revisions else "missing",
                project_key=project,
                task_key=stored.task_key,
                annotation=stored.annotation,
                uid=stored.uid or "",
                sha256=digest(body),
                body=body,
                found_at=started,
            )
    there = {one.annotation for one in held}
    latest = {one.annotation: one for one in repository.of_project(session, project)}
    for annotation, one in latest.items():
        if annotation not in there and one.state is not RevisionState.DELETED and one.at < started:
            yield Discrepancy(
                kind="gone",
                project_key=project,
                task_key=one.task_key or "",
                annotation=annotation,
                uid=one.uid or "",
                found_at=started,
            )


def _is_known(session: Session, one: Discrepancy) -> bool:
    statement = select(Discrepancy.id).where(
        Discrepancy.kind == one.kind,
        Discrepancy.annotation == one.annotation,
        Discrepancy.uid == one.uid,
        Discrepancy.sha256 == one.sha256,
    )
    return session.exec(statement).first() is not None


def _note(check: LedgerCheck | None) -> str:
    if check is None:
        return "not yet"
    return f"{check.annotations} annotations, {check.discrepancies} discrepancies"
