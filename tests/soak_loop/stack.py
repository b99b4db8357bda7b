"""The stack of the soak: started with its policy, killed in part, started anew as a whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from discloop.home import Home
from discloop.play.rounds import rounds_of_play
from discloop.stack import processes, state
from discloop.stack.ports import Ports
from discloop.stack.rounds import Rounds
from tests.waiting import until

WHOLE = "whole stack"
TRAINER = "trainer"
LONGEST_START_S = 1800.0
"""It may be one of many on its machine."""


@dataclass
class Stack:
    """One home's; everything of it is called from the main thread."""

    home: Home
    ports: Ports
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until every service is ready."""
        rounds = Rounds(policy=rounds_of_play(self.home).policy, epochs=1)
        command = [sys.executable, "-P", "-m", "discloop", "up", "--home", str(self.home.root)]
        command += ["--port-label-studio", str(self.ports.label_studio)]
        command += ["--port-backend", str(self.ports.backend), "--port-ml", str(self.ports.ml)]
        log = self.home.logs / "stack.log"
        self.process = processes.start([*command, *rounds.options()], dict(os.environ), log)
        self.wait_ready()

    def stop(self) -> None:
        """As Ctrl-C does it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(90)

    def wait_ready(self) -> None:
        """Until every service is ready."""

        def ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, "the supervisor has ended"
            now = state.read(self.home)
            return now is not None and now.ready

        until(ready, within_s=LONGEST_START_S, what="every service ready")

    def pids(self) -> dict[str, int]:
        """Of the services that run now."""
        now = state.read(self.home)
        return {} if now is None else {n: s.pid for n, s in now.services.items() if s.pid is not None}

    def trouble(self, victim: str) -> bool:
        """Kill a service or trainer as a power cut would, or restart the whole; False if none was there."""
        if victim == WHOLE:
            self.stop()
            self.start()
            return True
        if victim == TRAINER:
            return self._kill_trainer()
        pid = self.pids().get(victim)
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pids().get(victim) != pid, within_s=300, what=f"the kill of {victim} noticed")
        self.wait_ready()
        return True

    def trainers(self) -> list[int]:
        """The groups of the trainers that run now."""
        running = []
        for lock in self.home.root.glob("rounds/**/*.lock"):
            with suppress(OSError, ValueError):
                group = int(lock.read_text())
                os.killpg(group, 0)
                running.append(group)
        return running

    def _kill_trainer(self) -> bool:
        for group in self.trainers():
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)
                return True
        return False
