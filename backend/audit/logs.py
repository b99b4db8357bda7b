"""Two logs, each from both halves: who was given labels, and what was refused."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlmodel import Session, col, select

from backend.audit.accesses import READ, REFUSED
from backend.audit.schemas import Log, LogLine
from backend.audit.tables import AuditEntry
from backend.errors import Unavailable
from backend.outside.guard import Access, Denial, Guard
from domain.canary import CANARY


def accesses(session: Session, guard: Guard, limit: int) -> Log:
    """Every time that labels were given to somebody other than their author."""
    lines, answered = list(_own(session, READ, limit)), True
    try:
        lines += [given(one) for one in guard.newest_accesses(limit).entries]
    except Unavailable:
        answered = False
    return _newest(lines, limit, answered)


def denials(session: Session, guard: Guard, limit: int) -> Log:
    """Everything that was refused; the canary's own refusals are left out."""
    lines, answered = list(_own(session, REFUSED, limit)), True
    try:
        lines += [_refused(one) for one in guard.denials(newest=limit, but=CANARY).entries]
    except Unavailable:
        answered = False
    return _newest(lines, limit, answered)


def given(one: Access) -> LogLine:
    """A line of the guard's access log."""
    return LogLine(at=one.at, who=one.person, what=one.subject, via=f"Label Studio, GET {one.route}")


def noted(entry: AuditEntry) -> LogLine:
    """An access or refusal of our own pages, out of the chain."""
    route = json.loads(entry.details).get("route", "")
    return LogLine(at=entry.at, who=entry.actor, what=entry.subject, via=f"pages, {route}")


def _refused(one: Denial) -> LogLine:
    via = f"Label Studio, {one.method} {one.route}"
    return LogLine(at=one.at, who=one.person or "nobody", what=one.reason, via=via)


def _own(session: Session, action: str, limit: int) -> Iterator[LogLine]:
    statement = select(AuditEntry).where(AuditEntry.action == action)
    for entry in session.exec(statement.order_by(col(AuditEntry.id).desc()).limit(limit)):
        yield noted(entry)


def _newest(lines: list[LogLine], limit: int, answered: bool) -> Log:
    ordered = sorted(lines, key=lambda line: line.at, reverse=True)
    return Log(lines=ordered[:limit], guard_answered=answered)
