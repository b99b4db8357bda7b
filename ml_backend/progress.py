"""What a training run leaves behind while it runs: progress lines, and a checkpoint to go on from."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from domain.errors import DiscLoopError

INTERRUPTED = 75
"""Exit code of a run that was asked to stop and can be resumed (EX_TEMPFAIL)."""


class Interrupted(Exception):
    """The run was asked to stop; its checkpoint is written."""


class Progress:
    """Appends one JSON line an epoch to a file: time, stage, epoch, epochs, loss, seconds left."""

    def __init__(
        self,
        path: Path,
        *,
        plan: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to `path`; `plan` gives the epochs of all stages of the run in their order."""
        self._path, self._clock, self._plan = path, clock, dict(plan or {})
        self._stop, self._done, self._spent = False, 0, 0.0
        self._last: float | None = None
        path.parent.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Begin to measure an epoch; the time left is judged from the epochs of this process."""
        self._last = self._clock()

    def report(self, stage: str, epoch: int, epochs: int, loss: float) -> None:
        """Write that `epoch` of the stage's `epochs` is done."""
        now = self._clock()
        self._spent += now - (self._last if self._last is not None else now)
        self._last, self._done = now, self._done + 1
        overall, total = self._overall(stage, epoch, epochs)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "stage": stage,
            "epoch": overall,
            "epochs": total,
            "loss": round(loss, 5),
            "left_s": round(self._spent / self._done * (total - overall), 1),
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _overall(self, stage: str, epoch: int, epochs: int) -> tuple[int, int]:
        """Epochs done and planned over all stages."""
        if stage not in self._plan:
            return epoch, epochs
        stages = list(self._plan)
        return sum(self._plan[s] for s in stages[: stages.index(stage)]) + epoch, sum(self._plan.values())

    def check(self) -> None:
        """Raise `Interrupted` if the run was asked to stop; call it after writing a checkpoint."""
        if self._stop:
            raise Interrupted

    @contextmanager
    def stop_on_terminate(self) -> Iterator[None]:
        """Within it, SIGTERM lets the epoch finish and then stops the run."""

        def ask(_signal: int, _frame: FrameType | None) -> None:
            self._stop = True

        before = signal.signal(signal.SIGTERM, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write tensors and plain values so that a kill at any moment leaves the old or the new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    os.replace(partial, path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint as weights only: tensors and plain values, no code."""
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DiscLoopError(f"expected a checkpoint of this program in {path}: {error}") from error
    return state
