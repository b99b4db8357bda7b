"""Calibration: the key, and each reader's attempts at it. None of it is study data."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Level


class CalibrationSet(SQLModel, table=True):
    """One key laid down. A later one replaces it for attempts that begin after it."""

    __tablename__ = "calibration_set"

    id: int | None = Field(default=None, primary_key=True)
    laid_at: datetime = Field(sa_type=UtcDateTime)
    laid_by: str = Field(max_length=40)


class CalibrationDisc(SQLModel, table=True):
    """One line of a key: the reference grade of a disc, and why."""

    __tablename__ = "calibration_disc"

    calibration: int = Field(primary_key=True, foreign_key="calibration_set.id")
    study: str = Field(primary_key=True, foreign_key="study.id", max_length=40, index=True)
    level: Level = Field(sa_column=Column(CodeType(Level), primary_key=True))
    pfirrmann: int
    explanation: str = Field(default="", sa_column=Column(Text, nullable=False))


class CalibrationAttempt(SQLModel, table=True):
    """One reader's reading of one set; kept whatever came of it."""

    __tablename__ = "calibration_attempt"
    __table_args__ = (UniqueConstraint("reader", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    calibration: int = Field(foreign_key="calibration_set.id")
    reader: str = Field(foreign_key="person.id", index=True)
    number: int
    """The reader's first, second, ... attempt."""
    given_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    discs: int | None = None
    """Of the key; the figures are fixed when the last case is signed."""
    exact: int | None = None
    within_one: int | None = None
    kappa_linear: float | None = None
    passed: bool = False


class CalibrationTask(SQLModel, table=True):
    """One case of an attempt: a sagittal unit, unaided."""

    __tablename__ = "calibration_task"
    __table_args__ = (UniqueConstraint("attempt", "position"),)

    key: str = Field(primary_key=True, max_length=40)
    """The random task key."""
    attempt: int = Field(foreign_key="calibration_attempt.id", index=True)
    unit: str = Field(foreign_key="unit.id")
    project: str = Field(foreign_key="project.key", index=True)
    position: int
    task: int | None = None
    """Label Studio's number of the task."""
