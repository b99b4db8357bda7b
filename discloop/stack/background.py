"""A stack in a process of its own, for commands that go on working beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import Popen

from discloop.home import Home
from discloop.stack import processes, state
from discloop.stack.ports import Ports
from discloop.stack.rounds import DEFAULT_ROUNDS, Rounds
from discloop.stack.state import StackState
from domain.errors import DiscLoopError

LONGEST_STOP_SECONDS = 60.0
STOPPED = (130, 143)
"""Exit codes of a stack that a signal ended, as `discloop down` does."""


class BackgroundStack:
    """The stack of a home: one that was found running, or one started here and stopped here."""

    def __init__(self, home: Home, process: Popen[bytes] | None) -> None:
        self.home = home
        self._process = process

    @property
    def was_running(self) -> bool:
        return self._process is None

    def state(self) -> StackState | None:
        """As it is now; None before the supervisor has said anything.

        Raises:
            DiscLoopError: If it has ended, with the reason it gave.
        """
        if self._process is not None and self._process.poll() is not None:
            stopped = self._process.returncode in STOPPED
            raise DiscLoopError("the stack was stopped" if stopped else _last_words(self.home))
        return state.read(self.home)


@contextmanager
def running(home: Home, ports: Ports, rounds: Rounds = DEFAULT_ROUNDS) -> Iterator[BackgroundStack]:
    """Start the stack of a home, or join the one that runs; leave as it was found."""
    if state.read(home) is not None:
        yield BackgroundStack(home, None)
        return
    log = home.logs / "stack.log"
    log.write_bytes(b"")
    command = [sys.executable, "-P", "-m", "discloop", "up", "--home", str(home.root)]
    command += ["--port-label-studio", str(ports.label_studio), "--port-backend", str(ports.backend)]
    command += ["--port-ml", str(ports.ml), *rounds.options()]
    process = processes.start(command, dict(os.environ), log)
    try:
        yield BackgroundStack(home, process)
    finally:
        process.terminate()
        process.wait(LONGEST_STOP_SECONDS)


def _last_words(home: Home) -> str:
    lines = (home.logs / "stack.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("discloop: ") if lines else f"the stack ended; its logs: {home.logs}"
