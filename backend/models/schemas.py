"""What goes out about models."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class GenerationOut(BaseModel):
    """One change of the model that serves."""

    number: int
    version: str
    sha256: str | None
    round: str | None
    reason: str
    by: str
    at: datetime


class ReplicaOut(BaseModel):
    """What one ML backend serves."""

    model_config = ConfigDict(from_attributes=True)

    address: str
    version: str
    generation: int
    seen_at: datetime


class ModelsOut(BaseModel):
    """The active model, those before it, and who serves what."""

    active: GenerationOut | None
    history: list[GenerationOut]
    replicas: list[ReplicaOut]
