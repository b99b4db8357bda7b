"""What goes out about readings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from backend.readings.interpretation import RevisionState
from domain.taxonomy import Arm, Plane


class ReadingOut(BaseModel):
    """One revision of the ledger. `result` and `findings` only for whom, and where, content was asked for."""

    id: int
    outbox_id: int
    event: str
    kind: str | None
    state: RevisionState
    reason: str | None
    number: int | None
    reader: str | None
    task_key: str | None
    unit: str | None = None
    plane: Plane | None = None
    arm: Arm | None = None
    model: str | None = None
    at: datetime
    received_at: datetime
    lead_time_s: float | None
    sha256: str | None
    shown: list[dict[str, Any]] | None = None
    result: list[dict[str, Any]] | None = None
    findings: dict[str, Any] | None = None


class LedgerCheckOut(BaseModel):
    """A comparison with Label Studio."""

    started_at: datetime
    finished_at: datetime
    annotations: int
    discrepancies: int


class LedgerSummary(BaseModel):
    """The ledger in numbers."""

    revisions: int
    by_state: dict[RevisionState, int]
    cursor: int
    last_check: LedgerCheckOut | None
    open_discrepancies: int
