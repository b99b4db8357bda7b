"""The freeze."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class Freeze(SQLModel, table=True):
    """One row, once the study is frozen: from then on readers may see results."""

    __tablename__ = "freeze"

    id: int = Field(default=1, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    by: str = Field(max_length=40)
