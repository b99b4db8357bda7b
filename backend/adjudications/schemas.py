"""What goes out about adjudications."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from domain.taxonomy import Plane


class AdjudicationOut(BaseModel):
    """One unit's place in an adjudicator's queue, without the readers."""

    key: str
    unit: str
    plane: Plane
    adjudicator: str
    name: str
    project: str
    project_number: int | None
    task: int | None
    severity: float
    kinds: list[str]
    given_at: datetime
    decided_at: datetime | None
    reopened_by: Literal["reading", "decision"] | None
    """What was corrected, where a late correction opened the unit again."""
    corrected_at: datetime | None
