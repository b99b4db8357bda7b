"""Where each background job stands, and which process leads it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class JobState(SQLModel, table=True):
    """One row a job. The lease is a conditional update of `holder`, `fence` and `leased_until`."""

    __tablename__ = "job_state"

    name: str = Field(primary_key=True, max_length=40)
    holder: str | None = Field(default=None, max_length=40)
    fence: int = 0
    """Grows with every change of holder; checked in every transaction of the job."""
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ran_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    succeeded_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    """In a row, until now."""
    error: str | None = None
    note: str = ""
    """Progress in words."""
