"""Where a round's processes run: one small port, a module an executor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Condition(StrEnum):
    """How a process stands."""

    NONE = "none"
    """Never started, or killed so hard that it left no word."""
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True)
class Status:
    """What is known of a process."""

    condition: Condition
    code: int | None = None
    """Exit code where it ended; negative is the signal that killed it."""


class Executor(Protocol):
    """Runs one process of a name for a round, at most one at a time, and finds it again after a restart."""

    def start(self, folder: Path, name: str, command: Sequence[str]) -> None:
        """Start it; does nothing if it runs already."""

    def status(self, folder: Path, name: str) -> Status:
        """How it stands."""

    def stop(self, folder: Path, name: str) -> None:
        """Ask it to end; asked again after a while, make it."""
