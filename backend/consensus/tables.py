"""Consensus."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.consensus import Provenance
from domain.taxonomy import Arm, Plane, Split


class ConsensusRecord(SQLModel, table=True):
    """One unit's label, with how it came about and what the readers were shown."""

    __tablename__ = "consensus"

    unit: str = Field(primary_key=True, foreign_key="unit.id", max_length=60)
    study: str = Field(foreign_key="study.id", index=True)
    patient: str = Field(foreign_key="patient.id", index=True)
    split: Split = Field(sa_column=Column(CodeType(Split), nullable=False))
    plane: Plane = Field(sa_column=Column(CodeType(Plane), nullable=False))
    arm: Arm = Field(sa_column=Column(CodeType(Arm), nullable=False))
    provenance: Provenance = Field(sa_column=Column(CodeType(Provenance), nullable=False))
    adjudication: str | None = Field(default=None, foreign_key="adjudication.key")
    body: str = Field(sa_column=Column(Text, nullable=False))
    """`domain.consensus.Consensus` as JSON."""
    discs: int
    made_at: datetime = Field(sa_type=UtcDateTime)
