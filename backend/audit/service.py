"""Writing and checking the chain of the audit trail."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from backend.access import Actor
from backend.audit.schemas import Verification
from backend.audit.tables import AuditEntry
from backend.clock import Clock

FIRST = "0" * 64
SYSTEM = "system"
BATCH = 1000


def record(
    session: Session, action: str, *, subject: str, by: Actor | None, clock: Clock, **details: Any
) -> AuditEntry:
    """Append one act in the caller's transaction. `by=None` is the system itself."""
    previous = session.exec(select(AuditEntry.hash).order_by(col(AuditEntry.id).desc()).limit(1)).first()
    entry = AuditEntry(
        at=clock(),
        actor=SYSTEM if by is None else by.id,
        action=action,
        subject=subject,
        details=json.dumps(details, sort_keys=True, separators=(",", ":")),
        previous=previous or FIRST,
        hash="",
    )
    entry.hash = seal(entry)
    session.add(entry)
    session.flush()
    return entry


def seal(entry: AuditEntry) -> str:
    """SHA-256 over everything the entry says and the hash of the one before."""
    at: datetime = entry.at.astimezone(UTC)
    said = [entry.previous, at.isoformat(), entry.actor, entry.action, entry.subject, entry.details]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def verify(entries: Iterable[AuditEntry]) -> Verification:
    """Follow the chain; the first entry that does not fit is named."""
    previous, count = FIRST, 0
    for entry in entries:
        count += 1
        if entry.previous != previous or entry.hash != seal(entry):
            return Verification(intact=False, entries=count, head=previous, broken_at=entry.id)
        previous = entry.hash
    return Verification(intact=True, entries=count, head=previous, broken_at=None)


def newest(session: Session, limit: int) -> Sequence[AuditEntry]:
    """The last entries, newest first."""
    return session.exec(select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(limit)).all()


def every(session: Session) -> Iterator[AuditEntry]:
    """All entries in the order they were made, a few at a time."""
    last = 0
    while batch := session.exec(
        select(AuditEntry).where(col(AuditEntry.id) > last).order_by(col(AuditEntry.id)).limit(BATCH)
    ).all():
        yield from batch
        last = batch[-1].id or 0
        session.expunge_all()
