"""What an examination says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Works, but somebody should look."""
    PROBLEM = "problem"
    """Does not work, or does not protect."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    state: State
    found: str
    cure: str | None = None
    """What to do; None where nothing is wrong."""


def ok(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, State.OK, found)


def warning(check: str, found: str, cure: str) -> Finding:
    """Somebody should look."""
    return Finding(check, State.WARNING, found, cure)


def problem(check: str, found: str, cure: str) -> Finding:
    """Must be cured."""
    return Finding(check, State.PROBLEM, found, cure)
