"""Sessions and spent assertions."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class SignedIn(SQLModel, table=True):
    """A browser that is signed in. The cookie's token is not here, only its hash."""

    __tablename__ = "signed_in"

    id: str = Field(primary_key=True, max_length=64)
    """SHA-256 of the cookie's token."""
    person: str = Field(foreign_key="person.id", index=True)
    csrf: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SpentAssertion(SQLModel, table=True):
    """An assertion that was used; it is not accepted twice."""

    __tablename__ = "spent_assertion"

    jti: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_type=UtcDateTime)
