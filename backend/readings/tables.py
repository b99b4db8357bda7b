"""The ledger, its cursor, and what the nightly comparison found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from backend.readings.interpretation import RevisionState


class Revision(SQLModel, table=True):
    """One entry of the guard's outbox. The database refuses to change or remove it."""

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("epoch", "outbox_id"),)

    id: int | None = Field(default=None, primary_key=True)
    epoch: str
    outbox_id: int
    event: str
    annotation: int
    uid: str | None = Field(default=None, index=True)
    task: int | None = None
    task_key: str | None = Field(default=None, index=True)
    project_key: str | None = None
    kind: str | None = Field(default=None, index=True)
    """Kind of project: `reading` or `adjudication`; `None` where the project is unknown."""
    actor: str | None = None
    author: str | None = Field(default=None, index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    lead_time_s: float | None = None
    cancelled: bool
    body: str | None = Field(default=None, sa_column=Column(Text))
    """The annotation's result as canonical JSON, as Label Studio saved it."""
    sha256: str | None = None
    state: RevisionState = Field(sa_column=Column(CodeType(RevisionState), nullable=False, index=True))
    reason: str | None = Field(default=None, sa_column=Column(Text))
    findings: str | None = Field(default=None, sa_column=Column(Text))
    """What the interpreter made of it, as JSON, where signed."""
    number: int | None = Field(default=None, index=True)
    """1 is the first signed revision of its task: the one that statistics use."""
    received_at: datetime = Field(sa_type=UtcDateTime)


class OutboxCursor(SQLModel, table=True):
    """One row: up to where the outbox is in the ledger."""

    __tablename__ = "outbox_cursor"

    id: int = Field(default=1, primary_key=True)
    epoch: str = ""
    last: int = 0


class LedgerCheck(SQLModel, table=True):
    """One full comparison of the ledger with Label Studio."""

    __tablename__ = "ledger_check"

    id: int | None = Field(default=None, primary_key=True)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime = Field(sa_type=UtcDateTime)
    annotations: int
    discrepancies: int


class Discrepancy(SQLModel, table=True):
    """Something that the ledger and Label Studio do not agree on. Kept with its content, for a person."""

    __tablename__ = "discrepancy"
    __table_args__ = (UniqueConstraint("kind", "annotation", "uid", "sha256"),)

    id: int | None = Field(default=None, primary_key=True)
    kind: str = Field(max_length=16)
    """`missing` or `different` from the ledger, or `gone` from Label Studio."""
    project_key: str = Field(max_length=80)
    task_key: str = Field(max_length=80)
    annotation: int
    uid: str = Field(default="", max_length=64)
    sha256: str = Field(default="", max_length=64)
    body: str | None = Field(default=None, sa_column=Column(Text))
    found_at: datetime = Field(sa_type=UtcDateTime)
