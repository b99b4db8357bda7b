"""The blindness certificate of a study: every access to each reading before both were signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from backend.audit import logs, service
from backend.audit.accesses import EVERYTHING, READ
from backend.audit.schemas import Certificate, CertifiedReading, CertifiedUnit, LogLine
from backend.audit.tables import AuditEntry
from backend.clock import Clock
from backend.errors import NotFound
from backend.outside.guard import Access, Guard
from backend.projects.tables import Project
from backend.readings.tables import Revision
from backend.studies.tables import Unit
from backend.worklists.tables import Assignment

CANNOT_SEE = [
    "Whoever opens the files of Label Studio's or the backend's database, or of the slices, leaves no line.",
    "Whoever opens a backup, or a copy of the disk, leaves no line.",
    "Whoever may change database and program can write a new chain; only a hash kept elsewhere shows it.",
    "The backend itself fetches every revision for the ledger as it is signed; only its answers are noted.",
    "What readers tell each other, show on a screen, or photograph.",
]


def certify(session: Session, guard: Guard, study: str, *, clock: Clock) -> Certificate:
    """Make the certificate.

    Raises:
        NotFound: If there is no such study.
        Unavailable: If Label Studio does not answer: half of the accesses would be missing.
    """
    units = session.exec(select(Unit).where(Unit.study == study).order_by(Unit.id)).all()
    if not units:
        raise NotFound(f"no study {study}")
    given = list(every_access(guard))
    # Before the entries are read: following the chain leaves none of its rows in the session.
    chain = service.verify(service.every(session))
    statement = select(AuditEntry).where(AuditEntry.action == READ)
    entries = session.exec(statement.order_by(col(AuditEntry.id))).all()
    alarms = session.exec(select(AuditEntry.at).where(AuditEntry.action == "canary.opened")).all()
    return Certificate(
        study=study,
        made_at=clock(),
        chain=chain,
        units=[_unit(session, unit, entries, given) for unit in units],
        canary_alarms=list(alarms),
        cannot_see=CANNOT_SEE,
    )


def every_access(guard: Guard) -> Iterator[Access]:
    """The guard's whole access log, oldest first."""
    last = 0
    while page := guard.accesses(last).entries:
        yield from page
        last = page[-1].id


def _unit(
    session: Session, unit: Unit, entries: Sequence[AuditEntry], given: Sequence[Access]
) -> CertifiedUnit:
    assignments = session.exec(
        select(Assignment).where(Assignment.unit == unit.id).order_by(Assignment.reader)
    ).all()
    revisions = session.exec(
        select(Revision).where(col(Revision.task_key).in_([one.key for one in assignments]))
    ).all()
    first = min((one.at for one in revisions), default=None)
    both = _both_signed(assignments)
    found = [*_ours(unit, revisions, entries), *_theirs(session, assignments, revisions, given)]
    within = [line for line in found if _is_within(line.at, first, both)]
    readers = {one.reader for one in assignments}
    return CertifiedUnit(
        unit=unit.id,
        plane=unit.plane.value,
        readings=[
            CertifiedReading(
                reader=one.reader,
                occasion=one.occasion,
                first_signed_at=one.first_signed_at,
                revisions=sum(revision.task_key == one.key for revision in revisions),
            )
            for one in assignments
        ],
        both_signed_at=both,
        accesses=sorted(within, key=lambda line: line.at),
        by_its_readers=sum(line.who in readers for line in within),
    )


def _is_within(at: datetime, first: datetime | None, both: datetime | None) -> bool:
    """From the first revision of the unit until both readings are signed."""
    return first is not None and first <= at and (both is None or at < both)


def _both_signed(assignments: Sequence[Assignment]) -> datetime | None:
    """When the last first reading was signed; None while one is open. Repeats do not count."""
    signed = [one.first_signed_at for one in assignments if one.occasion == 1]
    times = [at for at in signed if at is not None]
    return max(times) if len(times) == len(signed) and len(times) > 1 else None


def _ours(unit: Unit, revisions: Sequence[Revision], entries: Sequence[AuditEntry]) -> Iterator[LogLine]:
    named = {EVERYTHING, f"unit {unit.id}", f"study {unit.study}"}
    named |= {f"revision {one.id}" for one in revisions} | {f"key {one.task_key}" for one in revisions}
    yield from (logs.noted(entry) for entry in entries if entry.subject in named)


def _theirs(
    session: Session,
    assignments: Sequence[Assignment],
    revisions: Sequence[Revision],
    given: Sequence[Access],
) -> Iterator[LogLine]:
    named = {f"task {one.task}" for one in assignments}
    named |= {f"annotation {one.annotation}" for one in revisions}
    for assignment in assignments:
        named.add(f"project {session.get_one(Project, assignment.project).label_studio_id}")
    yield from (logs.given(one) for one in given if one.subject in named)
