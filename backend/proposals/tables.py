"""Proposals."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class ProposalRecord(SQLModel, table=True):
    """What one model version says of one unit, or why it could not."""

    __tablename__ = "proposal"
    __table_args__ = (UniqueConstraint("unit", "model"),)

    id: int | None = Field(default=None, primary_key=True)
    unit: str = Field(foreign_key="unit.id", index=True)
    model: str = Field(max_length=120, index=True)
    body: str | None = Field(default=None, sa_column=Column(Text))
    """`domain.findings.Proposal` as JSON; `None` where the model failed."""
    error: str | None = None
    attempts: int = 1
    asked_at: datetime = Field(sa_type=UtcDateTime)
