"""What goes in and out about rounds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from backend.rounds.dataset import SnapshotSummary
from domain.gate import Verdict
from domain.policy import Distance
from domain.rounds import RoundState


class RoundOut(BaseModel):
    """One round."""

    id: str
    state: RoundState
    why: str
    planned_at: datetime
    planned_by: str
    approved_at: datetime | None
    approved_by: str | None
    snapshot: str | None
    summary: SnapshotSummary | None
    queued_at: datetime | None
    champion: str | None
    started_at: datetime | None
    progress: dict[str, Any] | None
    restarts: int
    cancelling: bool
    challenger: str | None
    weights: str | None
    verdict: Verdict | None
    evidence: str | None
    error: str | None
    ended_at: datetime | None
    promoted_at: datetime | None
    promoted_by: str | None


class RoundDetail(RoundOut):
    """One round with what its trainer says."""

    history: list[dict[str, Any]]
    log: str


class DueOut(BaseModel):
    """How far a new round is."""

    due: bool
    distances: list[Distance]
