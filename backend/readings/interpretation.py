"""What a revision means, by the kind of project it was made in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlmodel import Session

from backend.outside.guard import Entry


class RevisionState(StrEnum):
    """What became of a revision. It never changes."""

    SIGNED = "signed"
    """A valid, complete answer."""
    SKIPPED = "skipped"
    """The reader passed the task over (Label Studio: cancelled)."""
    DELETED = "deleted"
    """The annotation was deleted in Label Studio; what was signed before stays."""
    QUARANTINED = "quarantined"
    """Kept, but not counted: the reason says why."""


@dataclass(frozen=True)
class Interpretation:
    """The reading of one revision's content."""

    state: RevisionState
    findings: str | None = None
    """`domain.findings.Findings` as JSON (or what the kind of project holds), where signed."""
    reason: str | None = None
    """Why it was quarantined."""


class Interpreter(Protocol):
    """Reads the content of one kind of project's revisions. Pure but for looking things up."""

    def __call__(self, session: Session, entry: Entry) -> Interpretation:
        """Say what a created or updated, not skipped, entry of the task's own author means."""
