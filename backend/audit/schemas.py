"""What goes out about the audit trail."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class AuditEntryOut(BaseModel):
    """One act."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: str
    previous: str
    hash: str


class Verification(BaseModel):
    """Whether the chain holds. Keep `head` elsewhere: it shows a trail cut off at its end."""

    intact: bool
    entries: int
    head: str
    broken_at: int | None
    """The first entry that does not fit."""
