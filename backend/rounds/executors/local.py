"""The default executor: a process on this machine."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from backend.rounds.executors import Condition, Status, Work

LAUNCHER = Path(__file__).with_name("launch.py")
PATIENCE_S = 10.0
"""How long a process asked to end may take before it is killed."""


class LocalExecutor:
    """Starts processes through `launch.py`; their locks, not our memory, say which run."""

    def __init__(self, *, gpu_free_gb: float = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._gpu_free_gb, self._clock = gpu_free_gb, clock
        self._asked: dict[tuple[Path, str], float] = {}
        self._children: list[subprocess.Popen[bytes]] = []

    def missing(self) -> str | None:
        """See `Executor`."""
        if not self._gpu_free_gb:
            return None
        free = gpu_memory_gb()
        if free is None:
            return f"no GPU is found (nvidia-smi), a round needs {self._gpu_free_gb:g} GiB of its memory"
        if free < self._gpu_free_gb:
            return f"{free:.1f} GiB of GPU memory are free, a round needs {self._gpu_free_gb:g}"
        return None

    def start(self, folder: Path, name: str, work: Work) -> None:
        """See `Executor`."""
        if self.status(folder, name).condition is Condition.RUNNING:
            return
        folder.mkdir(parents=True, exist_ok=True)
        reads = {word: str(path.absolute()) for word, path in work.reads.items()}
        command = work.command(python=sys.executable, out=str(work.out.absolute()), reads=reads)
        (folder / f"{name}.exit").unlink(missing_ok=True)
        self._asked.pop((folder, name), None)
        with (folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, str(LAUNCHER), str(folder), name, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=_environment(),
            )
        self._children.append(child)
        self._await_lock(folder, name, child)

    def _await_lock(self, folder: Path, name: str, child: subprocess.Popen[bytes]) -> None:
        """Until the launcher holds its lock or has ended, a look at the lock would say that nothing runs."""
        deadline = self._clock() + PATIENCE_S
        while child.poll() is None and self._clock() < deadline:
            if self.status(folder, name).condition is not Condition.NONE:
                return
            time.sleep(0.01)

    def status(self, folder: Path, name: str) -> Status:
        """See `Executor`."""
        self._reap()
        try:
            lock = os.open(folder / f"{name}.lock", os.O_RDWR)
        except FileNotFoundError:
            return Status(Condition.NONE)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Status(Condition.RUNNING)
        finally:
            os.close(lock)
        try:
            code = json.loads((folder / f"{name}.exit").read_text())["code"]
        except (OSError, ValueError, KeyError):
            return Status(Condition.NONE)
        return Status(Condition.ENDED, int(code))

    def stop(self, folder: Path, name: str) -> None:
        """See `Executor`."""
        if self.status(folder, name).condition is not Condition.RUNNING:
            return
        asked = self._asked.setdefault((folder, name), self._clock())
        is_late = self._clock() - asked > PATIENCE_S
        with suppress(OSError, ValueError):
            launcher = int((folder / f"{name}.lock").read_text())
            if is_late:
                os.killpg(launcher, signal.SIGKILL)
            else:
                os.kill(launcher, signal.SIGTERM)

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]


def gpu_memory_gb() -> float | None:
    """Free memory of the GPU that has most of it, in GiB; `None` where there is no GPU."""
    question = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(question, capture_output=True, text=True, timeout=10, check=True).stdout
        return max(float(line) for line in said.split("\n") if line.strip()) / 1024
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _environment() -> dict[str, str]:
    """Ours without what DiscLoop was told, secrets among it, and without a server's way with memory."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("DISCLOOP_", "MALLOC_"))
    }
