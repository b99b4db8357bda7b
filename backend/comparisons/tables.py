"""Comparisons."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class ComparisonRecord(SQLModel, table=True):
    """The comparison of a unit's two readings. A unit has one; a late correction takes it back."""

    __tablename__ = "comparison"

    unit: str = Field(primary_key=True, foreign_key="unit.id", max_length=60)
    first: str = Field(foreign_key="assignment.key")
    second: str = Field(foreign_key="assignment.key")
    first_revision: int = Field(foreign_key="revision.id")
    second_revision: int = Field(foreign_key="revision.id")
    body: str = Field(sa_column=Column(Text, nullable=False))
    """`domain.disagreements.Comparison` as JSON."""
    disagreements: int = Field(index=True)
    severity: float
    made_at: datetime = Field(sa_type=UtcDateTime)
