"""What goes in and out about people."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.taxonomy import Role


class NewPerson(BaseModel):
    """Somebody to add."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", max_length=254)
    name: str = Field(min_length=1, max_length=100)
    role: Role


class PersonOut(BaseModel):
    """A person, as the API gives them."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    email: str
    name: str
    role: Role
    active: bool
    created_at: datetime
    retired_at: datetime | None


class NewPassword(BaseModel):
    """A password to set; left out, one is made."""

    model_config = ConfigDict(extra="forbid")

    password: SecretStr | None = Field(default=None, min_length=12, max_length=200)
    final: bool = False
    """Stays: the person need not choose their own at the first sign-in. For simulated people and demos."""


class OneTimePassword(BaseModel):
    """Shown once, kept nowhere by the backend."""

    password: str


class Substitute(BaseModel):
    """Who takes over."""

    model_config = ConfigDict(extra="forbid")

    substitute: str = Field(max_length=12)


class Replacement(BaseModel):
    """What became of the units that somebody left unread."""

    moved: int = 0
    """On the substitute's lists now."""
    stayed: int = 0
    """Not for this substitute: they read it, or the study."""
    withdrawn: int = 0
    """Hidden repeats, which would have measured who left."""
