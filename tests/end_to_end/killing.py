"""Kills services and the trainer of a running demo at random, as power cuts would."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tests.end_to_end.stack import Demo
from tests.waiting import until

TRAINER = "trainer"
LONGEST_PAUSE_S = 2.0


@dataclass
class Killer:
    """Goes through a list of victims, each killed at a random moment while all services are ready."""

    demo: Demo
    victims: Sequence[str]
    seed: int
    killed: list[str] = field(default_factory=list)
    error: Exception | None = None
    _enough: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[Killer]:
        """Kill while the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._enough.set()
            thread.join(150)

    def _run(self) -> None:
        try:
            chance = random.Random(self.seed)
            for victim in self.victims:
                self.demo.wait_ready()
                if self._enough.wait(chance.uniform(0, LONGEST_PAUSE_S)) or not self._kill(victim):
                    return
                self.killed.append(victim)
        except Exception as error:
            self.error = error

    def _kill(self, victim: str) -> bool:
        if victim == TRAINER:
            return self._kill_trainer()
        self.demo.kill(victim)
        until(lambda: not self.demo.is_ready(victim), within_s=30, what=f"the kill of {victim} noticed")
        return True

    def _kill_trainer(self) -> bool:
        """Wait for a training process and kill it with its launcher; False if the turn ended before."""
        while not self._enough.is_set():
            for lock in self.demo.home.root.glob("rounds/**/*.lock"):
                with suppress(OSError, ValueError):
                    os.killpg(int(lock.read_text()), signal.SIGKILL)
                    return True
            time.sleep(0.02)
        return False
