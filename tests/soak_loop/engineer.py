"""The engineer of the soak: studies arrive, worklists grow, rounds are run, pages are looked at."""

from __future__ import annotations

import math
import random
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from discloop.backend_client import BackendClient, NoAnswer
from discloop.home import Home
from domain.errors import DiscLoopError

ENDED = ("passed", "held", "promoted", "failed", "cancelled", "rolled_back")
PAGES = ("/api/status", "/api/rounds/due", "/api/readings/summary", "/api/proposals", "/api/worklists")
PATIENCE_S = 240.0


@dataclass
class Pace:
    """How often something happens, seconds."""

    arrivals_s: float = 240.0
    arriving: int = 6
    """Studies at once."""
    rounds_s: float = 600.0
    looks_s: float = 20.0


@dataclass(eq=False)
class Engineer(threading.Thread):
    """One thread: each thing when it is due. What got no answer is looked at again, never assumed."""

    home: Home
    client: BackendClient
    pace: Pace
    seed: int
    enough: threading.Event
    arrives_until: float = math.inf
    """When the last studies come, seconds since 1970."""
    refused: list[dict[str, Any]] = field(default_factory=list)
    studies: int = 0

    def __post_init__(self) -> None:
        super().__init__(daemon=True, name="engineer")
        self.chance = random.Random(self.seed)
        self.next_arrival = time.monotonic() + self.pace.arrivals_s
        self.next_round = time.monotonic() + self.pace.rounds_s / 2

    def run(self) -> None:
        while not self.enough.wait(self.pace.looks_s):
            try:
                self.client.get(self.chance.choice(PAGES))
                self._arrivals()
                self._rounds()
            except NoAnswer:
                continue
            except (DiscLoopError, subprocess.CalledProcessError) as error:
                said = getattr(error, "stderr", "") or str(error)
                self.refused.append({"who": "engineer", "at": time.time(), "what": str(said)[-500:]})

    def bring(self, count: int) -> None:
        """New phantoms into the store, by the commands a person would use."""
        folder = self.home.root / "phantoms" / f"batch-{self.studies:05d}"
        seed = str(self.seed * 100_000 + self.studies)
        if not (folder / "truth.json").exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a soak that broke off
            discloop("phantom", str(folder), "--studies", str(count), "--seed", seed)
        discloop("curate", str(folder), str(self.home.store), "--workers", "1")
        self.studies += count

    def hand_out(self) -> None:
        """Ingest and plan; both may be done twice."""
        for path in ("/api/studies", "/api/worklists/plan"):
            _twice_if_need_be(self.client, path)

    def _arrivals(self) -> None:
        if time.monotonic() >= self.next_arrival and time.time() < self.arrives_until:
            self.next_arrival = time.monotonic() + self.chance.uniform(0.7, 1.3) * self.pace.arrivals_s
            self.bring(self.pace.arriving)
            self.hand_out()

    def _rounds(self) -> None:
        """One step of the newest round; a new one where none is open and it is time."""
        rounds = self.client.get("/api/rounds")
        newest = rounds[0] if rounds else None
        if newest is None or newest["state"] in ENDED:
            if newest is not None and newest["state"] == "passed":
                self.client.post(f"/api/rounds/{newest['id']}/promote")
            elif time.monotonic() >= self.next_round:
                self.next_round = time.monotonic() + self.chance.uniform(0.7, 1.3) * self.pace.rounds_s
                self.client.post("/api/rounds")
            return
        step = {"planned": "approve", "approved": "start"}.get(newest["state"])
        if step:
            self.client.post(f"/api/rounds/{newest['id']}/{step}")


def discloop(*words: str) -> None:
    """A command of ours, in a process of its own."""
    command = [sys.executable, "-P", "-m", "discloop", *words, "--json"]
    subprocess.run(command, check=True, capture_output=True, text=True)


def _twice_if_need_be(client: BackendClient, path: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            client.post(path)
            return
        except NoAnswer:
            if time.monotonic() > deadline:
                raise
