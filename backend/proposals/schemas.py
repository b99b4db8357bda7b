"""What goes out about proposals."""

from __future__ import annotations

from pydantic import BaseModel


class ProposalsProgress(BaseModel):
    """How far the proposals are, for the model that answered last."""

    model: str | None
    units: int
    proposed: int
    failed: int
    waiting: int
