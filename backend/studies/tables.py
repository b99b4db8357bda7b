"""Patients, studies, units."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Plane, Split


class Patient(SQLModel, table=True):
    """A patient under a pseudonym. The split is fixed at the first ingest."""

    __tablename__ = "patient"

    id: str = Field(primary_key=True, max_length=40)
    split: Split = Field(sa_column=Column(CodeType(Split), nullable=False))
    site: str = Field(max_length=40)
    ingested_at: datetime = Field(sa_type=UtcDateTime)


class StudyRecord(SQLModel, table=True):
    """A study, with its line of the manifest."""

    __tablename__ = "study"

    id: str = Field(primary_key=True, max_length=40)
    patient: str = Field(foreign_key="patient.id", index=True)
    digest: str = Field(unique=True, max_length=128)
    manifest: str = Field(sa_column=Column(Text, nullable=False))
    """`domain.manifest.Study` as JSON."""
    ingested_at: datetime = Field(sa_type=UtcDateTime)


class Unit(SQLModel, table=True):
    """One study in one plane: what one reader reads at once."""

    __tablename__ = "unit"

    id: str = Field(primary_key=True, max_length=60)
    study: str = Field(foreign_key="study.id", index=True)
    plane: Plane = Field(sa_column=Column(CodeType(Plane), nullable=False))
    slices: int
