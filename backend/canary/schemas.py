"""What goes out about the canary."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class CanaryOut(BaseModel):
    """Whether a stranger was refused."""

    model_config = ConfigDict(from_attributes=True)

    probed_at: datetime | None
    probes: int
    opened_at: datetime | None
    opened: str | None
