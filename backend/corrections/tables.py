"""What corrections reopened."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class Correction(SQLModel, table=True):
    """A revision that reopened its unit, with what stood until then. The database refuses to change it."""

    __tablename__ = "correction"

    id: int | None = Field(default=None, primary_key=True)
    unit: str = Field(foreign_key="unit.id", index=True, max_length=60)
    revision: int = Field(foreign_key="revision.id")
    """The correction: a reader's, or an adjudicator's of a decision."""
    corrected_at: datetime = Field(sa_type=UtcDateTime)
    """When it was signed."""
    reopened_at: datetime = Field(sa_type=UtcDateTime)
    adjudication: str | None = Field(default=None, index=True, max_length=40)
    """The task key of the adjudication that it took back, if there was one."""
    comparison: str | None = Field(default=None, sa_column=Column(Text))
    """The comparison's row as JSON; `None` where only a decision was corrected."""
    given: str | None = Field(default=None, sa_column=Column(Text))
    """The adjudication's row as JSON."""
    label: str | None = Field(default=None, sa_column=Column(Text))
    """The consensus' row as JSON."""

    @property
    def corrected(self) -> Literal["reading", "decision"]:
        """What was corrected."""
        return "decision" if self.comparison is None else "reading"
