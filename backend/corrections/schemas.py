"""What goes out about corrections."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from domain.consensus import Provenance


class CorrectionOut(BaseModel):
    """A correction that reopened its unit, without what was answered and by whom."""

    id: int
    unit: str
    corrected: Literal["reading", "decision"]
    corrected_at: datetime
    reopened_at: datetime
    took_back: Provenance | None
    """How the label that it took back had come about; `None` where there was none yet."""
    labelled: bool
    """Whether the unit has a label again."""
