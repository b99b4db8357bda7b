"""What goes in and out about worklists."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backend.worklists.tables import Selection
from domain.taxonomy import Arm, Plane

Share = Annotated[float, Field(ge=0, le=1)]


class PlanRequest(BaseModel):
    """What to plan. Everything may be left out: then every study that nobody was given is planned."""

    model_config = ConfigDict(extra="forbid")

    seed: int | None = Field(default=None, ge=0, lt=2**31)
    """Left out, one is drawn and recorded."""
    shares: dict[Arm, Share] | None = None
    """Shares of the arms, adding up to 1."""
    studies: list[str] | None = Field(default=None, min_length=1)
    """Only these."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """At most so many studies, drawn at random."""
    readers: list[str] | None = Field(default=None, min_length=2)
    """Only these readers; left out, all active ones."""
    selection: Literal[Selection.RANDOM, Selection.RANKED] = Selection.RANDOM
    inclusion: Annotated[float, Field(gt=0, le=1)] = 1.0

    @field_validator("shares")
    @classmethod
    def _whole(cls, shares: dict[Arm, float] | None) -> dict[Arm, float] | None:
        if shares is not None and abs(sum(shares.values()) - 1) > 1e-6:
            raise ValueError(f"the shares add up to 1, these to {sum(shares.values()):g}")
        return shares


class PlanSummary(BaseModel):
    """What was planned. Arms are counted, not named by study."""

    plan: str | None
    seed: int | None
    studies: int
    assignments: int
    arms: dict[Arm, int]


class ReaderProgress(BaseModel):
    """How far one reader is in one project."""

    reader: str
    name: str
    project: str
    project_number: int | None
    """Label Studio's number of the project."""
    plane: Plane
    planned: int
    ready: int
    """Tasks that are in Label Studio."""
    read: int
    skipped: int
    newest: datetime | None
