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
from pathlib import Path

from tests.end_to_end.stack import Demo
from tests.waiting import until

TRAINER = "trainer"
LONGEST_PAUSE_S = 2.0


@dataclass
class Killer:
    """Goes through a list of victims, each killed at a random moment after it is ready."""

    demo: Demo
    victims: Sequence[str]
    seed: int
    killed: list[str] = field(default_factory=list)
    error: Exception | None = None
    _enough: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Kill while the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._enough.set()
            thread.join(150)

    def _run(self) -> None:
        try:
            chance = random.Random(self.seed)
            for victim in self.victims:
                if not self._wait(victim) or self._enough.wait(chance.uniform(0, LONGEST_PAUSE_S)):
                    return
                self._kill(victim)
                self.killed.append(victim)
        except Exception as error:
            self.error = error

    def _wait(self, victim: str) -> bool:
        """Until it is there to be killed; False if the turn ended before."""
        there = self._trainers if victim == TRAINER else lambda: self.demo.is_ready(victim)
        while not self._enough.is_set():
            if there():
                return True
            time.sleep(0.02)
        return False

    def _kill(self, victim: str) -> None:
        if victim == TRAINER:
            # A pause can outlast a short stage of the training; then the next one is as good.
            until(self._kill_trainer, within_s=120, what="a trainer to kill")
            return
        self.demo.kill(victim)
        until(lambda: not self.demo.is_ready(victim), within_s=30, what=f"the kill of {victim} noticed")

    def _trainers(self) -> list[Path]:
        return list(self.demo.home.root.glob("rounds/**/*.lock"))

    def _kill_trainer(self) -> bool:
        """Kill a training process with its launcher, if there is one."""
        for lock in self._trainers():
            with suppress(OSError, ValueError):
                os.killpg(int(lock.read_text()), signal.SIGKILL)
                return True
        return False
