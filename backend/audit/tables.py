"""The audit trail."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class AuditEntry(SQLModel, table=True):
    """One act. The database refuses to change or remove it (triggers in the migration)."""

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=40)
    action: str = Field(max_length=60, index=True)
    subject: str = Field(max_length=120)
    details: str
    """Canonical JSON."""
    previous: str = Field(max_length=64)
    """The hash of the entry before; zeros for the first."""
    hash: str = Field(max_length=64, unique=True)
