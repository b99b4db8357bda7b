"""Models and generations."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class ModelVersion(SQLModel, table=True):
    """Weights that serve or served."""

    __tablename__ = "model_version"

    version: str = Field(primary_key=True, max_length=120)
    sha256: str | None = Field(default=None, max_length=64)
    """Of the tensors' file."""
    folder: str | None = Field(default=None, max_length=120)
    """Name of the folder in DISCLOOP_WEIGHTS; `None` is what the ML backend starts with."""
    round: str | None = Field(default=None, max_length=12)
    """The round that made it; `None` for the first champion."""
    known_at: datetime = Field(sa_type=UtcDateTime)


class Generation(SQLModel, table=True):
    """One change of the model that serves. The highest number is what should serve now."""

    __tablename__ = "generation"

    number: int = Field(primary_key=True)
    version: str = Field(foreign_key="model_version.version")
    reason: str = Field(max_length=16)
    """`first`, `promotion` or `rollback`."""
    by: str = Field(max_length=40)
    at: datetime = Field(sa_type=UtcDateTime)


class Replica(SQLModel, table=True):
    """What one ML backend said last."""

    __tablename__ = "replica"

    address: str = Field(primary_key=True, max_length=200)
    version: str = Field(max_length=120)
    generation: int
    seen_at: datetime = Field(sa_type=UtcDateTime)
