"""People."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from backend.database import CodeType, UtcDateTime
from domain.taxonomy import Role


class Person(SQLModel, table=True):
    """Somebody who reads, adjudicates or runs the loop."""

    __tablename__ = "person"

    id: str = Field(primary_key=True, max_length=12)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=100)
    role: Role = Field(sa_column=Column(CodeType(Role), nullable=False))
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
