"""What goes out about the loop."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from backend.canary.schemas import CanaryOut


class StageOut(BaseModel):
    """A station of the loop."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    title: str
    done: int
    total: int | None
    unit: str
    note: str


class JobOut(BaseModel):
    """A background job."""

    name: str
    title: str
    healthy: bool
    error: str | None
    note: str
    succeeded_at: datetime | None
    leader: str | None


class StatusOut(BaseModel):
    """Where the loop stands."""

    stages: list[StageOut]
    canary: CanaryOut
    jobs: list[JobOut]
