"""What the guard's assertion says."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.taxonomy import Role


class Assertion(BaseModel):
    """The checked content of an assertion. Times are Unix seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    iss: Literal["discloop-guard"]
    aud: str
    sub: str = Field(max_length=40)
    role: Role
    iat: float
    exp: float
    jti: str = Field(min_length=16, max_length=64)
    state: str
