"""What the canary found."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class CanaryState(SQLModel, table=True):
    """One row: when it last probed, and whether it ever got in since an engineer cleared it."""

    __tablename__ = "canary_state"

    id: int = Field(default=1, primary_key=True)
    probed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """The last time that everything was refused."""
    probes: int = 0
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Set: provisioning stands still."""
    opened: str | None = Field(default=None, sa_column=Column(Text))
    """The addresses that answered, one a line."""
