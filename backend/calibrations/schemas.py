"""What goes in and out about calibration."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backend.calibrations.rule import LEAST_DISCS, LEAST_GRADES
from domain.findings import Grade
from domain.taxonomy import Level


class KeyDisc(BaseModel):
    """The reference grade of one disc, and why."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    study: str = Field(min_length=1, max_length=40)
    level: Level
    pfirrmann: Grade
    explanation: str = Field(default="", max_length=2000)


class Key(BaseModel):
    """A whole key: every disc of every case."""

    model_config = ConfigDict(extra="forbid")

    discs: list[KeyDisc]

    @field_validator("discs")
    @classmethod
    def _tells_readers_apart(cls, discs: list[KeyDisc]) -> list[KeyDisc]:
        twice = [place for place, n in Counter((one.study, one.level) for one in discs).items() if n > 1]
        if twice:
            raise ValueError(f"each disc stands once, {twice[0][1]} of {twice[0][0]} stands twice")
        if len(discs) < LEAST_DISCS:
            raise ValueError(f"a key has at least {LEAST_DISCS} discs, this one {len(discs)}")
        grades = {one.pfirrmann for one in discs}
        if len(grades) < LEAST_GRADES:
            raise ValueError(f"a key has at least {LEAST_GRADES} different grades, this one {len(grades)}")
        silent = sorted({one.study for one in discs} - {one.study for one in discs if one.explanation})
        if silent:
            raise ValueError(f"each case has an explanation, {silent[0]} has none")
        return discs


class SetOut(BaseModel):
    """A calibration set, without its key."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    laid_at: datetime
    cases: int
    discs: int


class AttemptOut(BaseModel):
    """One attempt, without what was said."""

    model_config = ConfigDict(from_attributes=True)

    number: int
    given_at: datetime
    finished_at: datetime | None
    discs: int | None
    exact: int | None
    within_one: int | None
    kappa_linear: float | None
    passed: bool


class ReaderOut(BaseModel):
    """How one reader stands."""

    reader: str
    name: str
    passed: bool
    attempts: list[AttemptOut]


class CalibrationOut(BaseModel):
    """The newest set, and every active reader."""

    set: SetOut | None
    readers: list[ReaderOut]
