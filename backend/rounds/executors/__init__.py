"""Where a round's processes run: one small port, a module an executor."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from domain.errors import DiscLoopError

INTERRUPTED = 75
"""A process's exit code for "stopped, can go on" (EX_TEMPFAIL)."""


class ExecutorError(DiscLoopError):
    """Work that cannot be run as it is described."""


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


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one process does: a command line with words for the places it reads and writes."""

    template: str
    """Split as a shell would, then filled in: `{python}`, `{out}` and the words of `reads`."""
    reads: Mapping[str, Path]
    """Folders, by the word that stands for them."""
    files: Mapping[str, Sequence[str]]
    """Of which folders only these files are read; the others are read whole."""
    out: Path
    """The file or folder it writes."""
    resume: bool = False
    """Whether it goes on with what lies in `out`: then the command ends with `--resume`."""

    def command(self, *, python: str, out: str, reads: Mapping[str, str]) -> list[str]:
        """The command line with the places as they are where it runs.

        Raises:
            ExecutorError: If the template names a place that there is not.
        """
        try:
            words = [word.format(python=python, out=out, **reads) for word in shlex.split(self.template)]
        except (KeyError, IndexError, ValueError) as error:
            raise ExecutorError(f"the command {self.template!r} cannot be filled in: {error}") from None
        return [*words, "--resume"] if self.resume else words


class Executor(Protocol):
    """Runs one process of a name for a round, at most one at a time, and finds it again after a restart.

    What a process writes lies in `Work.out` on this machine once its status is `ENDED`; what it says, in
    `NAME.log` in the round's folder, and a trainer's `progress.jsonl` grows while it runs.
    """

    def missing(self) -> str | None:
        """What this executor lacks to start anything now, in words."""

    def start(self, folder: Path, name: str, work: Work) -> None:
        """Start it; does nothing if it runs already."""

    def status(self, folder: Path, name: str) -> Status:
        """How it stands."""

    def stop(self, folder: Path, name: str) -> None:
        """Ask it to end; asked again after a while, make it."""
