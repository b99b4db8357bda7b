"""What goes in and out about ranking."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.worklists.schemas import PlanSummary
from domain.ranking import Pick


class RankingOut(BaseModel):
    """The next studies to read."""

    eligible: int
    """Unread train and val studies with a proposal."""
    waiting: int
    """Unread train and val studies without one yet."""
    have: dict[str, int]
    """Labelled discs and lesions so far, by class."""
    wanted: dict[str, int]
    picks: list[Pick]


class RankedPlanRequest(BaseModel):
    """Give the next so many studies to readers."""

    model_config = ConfigDict(extra="forbid")

    count: Annotated[int, Field(ge=1, le=1000)] = 20


class RankedPlanSummary(BaseModel):
    """What was planned, by how it was chosen."""

    random: PlanSummary | None
    ranked: PlanSummary | None
