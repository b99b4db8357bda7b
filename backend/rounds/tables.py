"""Rounds, and looks at the test set."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.rounds import RoundState


class Round(SQLModel, table=True):
    """One retraining."""

    __tablename__ = "round"

    id: str = Field(primary_key=True, max_length=12)
    state: RoundState = Field(sa_column=Column(CodeType(RoundState), nullable=False, index=True))
    why: str
    """What made it due, in words."""
    seed: int
    policy: str = Field(sa_column=Column(Text, nullable=False))
    """`domain.policy.Policy` as JSON, as it was when the round was planned."""
    planned_at: datetime = Field(sa_type=UtcDateTime)
    planned_by: str = Field(max_length=40)

    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    approved_by: str | None = Field(default=None, max_length=40)
    snapshot: str | None = Field(default=None, max_length=64)
    """SHA-256 of the frozen snapshot's content."""
    test_set: str | None = Field(default=None, max_length=64)
    """SHA-256 of its test items: looks are counted against it."""
    summary: str | None = Field(default=None, sa_column=Column(Text))
    """Counts of the snapshot, as JSON."""
    trained_on: str | None = Field(default=None, sa_column=Column(Text))
    """Patients that it or a model it starts from was trained or chosen on, as a JSON list."""

    queued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    champion: str | None = Field(default=None, max_length=120)
    """Model it starts from and is compared with."""
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    progress: str | None = Field(default=None, sa_column=Column(Text))
    """The last line of progress, as JSON."""
    restarts: int = 0
    stalled: int = 0
    """Restarts since the last progress."""
    cancel_by: str | None = Field(default=None, max_length=40)
    """Who asked for the running round to be cancelled."""

    challenger: str | None = Field(default=None, max_length=120)
    weights: str | None = Field(default=None, max_length=64)
    """SHA-256 of the challenger's tensors."""
    verdict: str | None = Field(default=None, sa_column=Column(Text))
    """`domain.gate.Verdict` as JSON."""
    evidence: str | None = Field(default=None, max_length=64)
    """SHA-256 of `evidence.json`."""
    error: str | None = Field(default=None, sa_column=Column(Text))
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    promoted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    promoted_by: str | None = Field(default=None, max_length=40)

    holder: str | None = Field(default=None, max_length=60)
    """Which scheduler works on it."""
    fence: int = 0
    """Grows with every change of holder; a holder with an old number may write nothing."""
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Look(SQLModel, table=True):
    """One look of one round at a test set."""

    __tablename__ = "test_look"

    round: str = Field(primary_key=True, foreign_key="round.id")
    test_set: str = Field(index=True, max_length=64)
    patients: int
    at: datetime = Field(sa_type=UtcDateTime)
