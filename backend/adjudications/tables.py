"""Adjudications."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Plane


class Adjudication(SQLModel, table=True):
    """One unit given to one adjudicator. Only here stands which reader is Reader 1."""

    __tablename__ = "adjudication"
    __table_args__ = (UniqueConstraint("project", "position"),)

    key: str = Field(primary_key=True, max_length=40)
    """The random task key."""
    unit: str = Field(foreign_key="comparison.unit", unique=True)
    plane: Plane = Field(sa_column=Column(CodeType(Plane), nullable=False))
    adjudicator: str = Field(foreign_key="person.id", index=True)
    project: str = Field(foreign_key="project.key", index=True)
    position: int
    reader_1: str = Field(foreign_key="assignment.key")
    reader_2: str = Field(foreign_key="assignment.key")
    severity: float
    shown: str = Field(sa_column=Column(Text, nullable=False))
    """The pushed prediction's result as JSON: both readings locked, what agrees prefilled."""
    differences: str = Field(sa_column=Column(Text, nullable=False))
    """The table of the two readings, as HTML."""
    given_at: datetime = Field(sa_type=UtcDateTime)
    task: int | None = None
    """Label Studio's number of the task."""
    provisioned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decision: int | None = Field(default=None, foreign_key="revision.id")
    """The signed revision that became consensus."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
