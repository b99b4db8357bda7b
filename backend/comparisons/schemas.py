"""What goes out about comparisons."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from domain.disagreements import Disagreement


class ComparisonOut(BaseModel):
    """One comparison, without the readers."""

    unit: str
    severity: float
    made_at: datetime
    disagreements: list[Disagreement]
