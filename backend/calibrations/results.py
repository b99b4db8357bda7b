"""What a reader is shown of their own attempts: the key and why, only after the last case is signed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from backend.calibrations import repository
from backend.calibrations.repository import Case
from backend.calibrations.service import said
from backend.calibrations.tables import CalibrationAttempt, CalibrationDisc
from backend.studies.tables import Unit


@dataclass(frozen=True)
class Line:
    """One disc of the key beside the reader's answer."""

    disc: CalibrationDisc
    said: int | None


@dataclass(frozen=True)
class Result:
    """One attempt."""

    attempt: CalibrationAttempt
    cases: list[Case]
    lines: list[list[Line]]
    """By case, from the lowest disc up; empty before the attempt is finished."""

    @property
    def signed(self) -> int:
        """How many cases are read."""
        return sum(case.signed is not None for case in self.cases)


def results(session: Session, reader: str) -> list[Result]:
    """A reader's attempts, the newest first."""
    found = []
    for attempt in reversed(repository.attempts(session, reader)):
        cases = repository.cases(session, attempt.id or 0)
        lines = [] if attempt.finished_at is None else _lines(session, attempt, cases)
        found.append(Result(attempt, cases, lines))
    return found


def _lines(session: Session, attempt: CalibrationAttempt, cases: list[Case]) -> list[list[Line]]:
    key = repository.key_of(session, attempt.calibration)
    found = []
    for case in cases:
        study, grades = session.get_one(Unit, case.task.unit).study, said(session, case)
        discs = sorted((disc for disc in key if disc.study == study), key=_from_below)
        found.append([Line(disc, grades.get((study, disc.level))) for disc in discs])
    return found


def _from_below(disc: CalibrationDisc) -> int:
    """Levels sort by the vertebra below them, the sacrum's first."""
    return -list(type(disc.level)).index(disc.level)
