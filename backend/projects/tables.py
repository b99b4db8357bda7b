"""Projects, and which projection the guard holds."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Plane


class ProjectKind(StrEnum):
    """What is done in a project."""

    READING = "reading"
    ADJUDICATION = "adjudication"
    CALIBRATION = "calibration"


class Project(SQLModel, table=True):
    """One person's Label Studio project in one plane."""

    __tablename__ = "project"

    key: str = Field(primary_key=True, max_length=60)
    title: str
    kind: ProjectKind = Field(sa_column=Column(CodeType(ProjectKind), nullable=False))
    plane: Plane = Field(sa_column=Column(CodeType(Plane), nullable=False))
    member: str = Field(foreign_key="person.id", index=True)
    active: bool = True
    label_studio_id: int | None = None
    """Label Studio's number of it, once the guard has made it."""
    smart_box_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the ML backend was attached."""


class ProjectionState(SQLModel, table=True):
    """One row: the version grows whenever the content's digest changes."""

    __tablename__ = "projection_state"

    id: int = Field(default=1, primary_key=True)
    version: int = 0
    digest: str = ""
    pushed_version: int = 0
    pushed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
