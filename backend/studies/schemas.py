"""What goes in and out about studies."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from domain.taxonomy import Split


class IngestRequest(BaseModel):
    """Nothing to say: the manifest is read from the store."""

    model_config = ConfigDict(extra="ignore")


class IngestSummary(BaseModel):
    """What an ingest changed, and what there is now."""

    added: int
    updated: int
    unchanged: int
    patients: int
    studies: int
    units: int


class StudyOut(BaseModel):
    """A study, without its images."""

    id: str
    patient: str
    split: Split
    units: list[str]
