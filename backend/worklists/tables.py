"""Plans, arms, assignments."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Arm, Plane


class Selection(StrEnum):
    """How a study came into a worklist."""

    RANDOM = "random"
    RANKED = "ranked"
    BLANK = "blank"
    """Drawn from the units two readers agree on, for an adjudicator to read without their readings."""


class Plan(SQLModel, table=True):
    """One act of planning, reproducible from its seed."""

    __tablename__ = "plan"

    id: str = Field(primary_key=True, max_length=12)
    seed: int
    shares: str
    """The arms' shares as JSON."""
    planned_at: datetime = Field(sa_type=UtcDateTime)
    planned_by: str = Field(max_length=40)


class ArmDraw(SQLModel, table=True):
    """A patient's arm: the same for both readers, both planes, and every repeat."""

    __tablename__ = "arm_draw"

    patient: str = Field(primary_key=True, foreign_key="patient.id", max_length=40)
    arm: Arm = Field(sa_column=Column(CodeType(Arm), nullable=False))
    plan: str = Field(foreign_key="plan.id")


class Assignment(SQLModel, table=True):
    """One reader's one reading of one unit. The truth of its arm and of what was shown."""

    __tablename__ = "assignment"
    __table_args__ = (UniqueConstraint("unit", "reader", "occasion"), UniqueConstraint("project", "position"))

    key: str = Field(primary_key=True, max_length=40)
    """The random task key: it says nothing of the unit."""
    plan: str = Field(foreign_key="plan.id", index=True)
    unit: str = Field(foreign_key="unit.id", index=True)
    plane: Plane = Field(sa_column=Column(CodeType(Plane), nullable=False))
    reader: str = Field(foreign_key="person.id", index=True)
    project: str = Field(foreign_key="project.key", index=True)
    arm: Arm = Field(sa_column=Column(CodeType(Arm), nullable=False))
    occasion: int = 1
    """2 and up are hidden repeats."""
    position: int
    """Order in the reader's project."""
    selection: Selection = Field(sa_column=Column(CodeType(Selection), nullable=False))
    inclusion: float = 1.0
    """The recorded probability with which the study came into the worklist."""

    prepared_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When `proposal` and `shown` were fixed, before the task was made."""
    proposal: int | None = Field(default=None, foreign_key="proposal.id")
    model: str | None = Field(default=None, max_length=120)
    shown: str | None = Field(default=None, sa_column=Column(Text))
    """The pushed prediction's result as JSON; `None` where none was pushed."""
    task: int | None = None
    """Label Studio's number of the task."""
    provisioned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    first_signed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    skipped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
