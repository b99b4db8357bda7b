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


class LogLine(BaseModel):
    """One access, or one refusal."""

    at: datetime
    who: str
    what: str
    """Whose labels (`*`: all may be among them), or why refused."""
    via: str
    """Which half, method and route."""


class Log(BaseModel):
    """Newest first. Without the guard's half where Label Studio does not answer."""

    lines: list[LogLine]
    guard_answered: bool


class CertifiedReading(BaseModel):
    """One reader's reading of a unit."""

    reader: str
    occasion: int
    first_signed_at: datetime | None
    revisions: int


class CertifiedUnit(BaseModel):
    """A unit, its readings, and who was given one of them while the other was still open."""

    unit: str
    plane: str
    readings: list[CertifiedReading]
    both_signed_at: datetime | None
    accesses: list[LogLine]
    by_its_readers: int
    """How many of these accesses were by a reader of this unit: more than 0 is not blind."""


class Certificate(BaseModel):
    """What the logs say of a study's blindness, and what they cannot see."""

    study: str
    made_at: datetime
    chain: Verification
    units: list[CertifiedUnit]
    canary_alarms: list[datetime]
    cannot_see: list[str]
