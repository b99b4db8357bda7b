"""The backend is killed at random while readings are saved: the ledger is complete and without doubles."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import httpx
import pytest

from discloop import credentials
from discloop.play.cases import Case, Cases
from discloop.play.label_studio import PersonAtLabelStudio
from discloop.play.reading import SimulatedReader
from tests.end_to_end.stack import Demo, SignIn
from tests.soaking import seed, times
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.soak]
KILLS = times(in_test=10, in_soak=100)
LONGEST_PAUSE_S = 1.5


class Correcting(threading.Thread):
    """A reader who reads the whole list and then corrects it, over and over, until told to stop."""

    def __init__(self, demo: Demo, who: SignIn, number: int) -> None:
        super().__init__(daemon=True)
        self.demo, self.who, self.number = demo, who, number
        self.enough = threading.Event()
        self.saved = 0
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self._read()
        except Exception as error:
            self.error = error

    def _read(self) -> None:
        cases = Cases(self.demo.home)
        with PersonAtLabelStudio(self.demo.label_studio, self.who.email, self.who.password) as person:
            annotations = []
            for project in person.projects():
                for task in person.tasks(project):
                    case = cases.of_key(task.key)
                    annotations.append((person.submit(task, self._answer(case), 1.0), case))
                    self.saved += 1
            while not self.enough.is_set():
                for annotation, case in annotations:
                    person.update(annotation, self._answer(case), 2.0)
                    self.saved += 1

    def _answer(self, case: Case) -> list[dict[str, Any]]:
        """Another answer each time: Label Studio's side writes down what has changed."""
        seed = 10_000 * self.number + self.saved
        return SimulatedReader(self.who.email, self.who.password, seed=seed).answer(case)


def outbox(demo: Demo) -> list[dict[str, Any]]:
    """Everything Label Studio's side has written down, by the guard's control API."""
    secret = credentials.load(demo.home.secrets).guard_secret
    entries: list[dict[str, Any]] = []
    with httpx.Client(base_url=demo.label_studio, trust_env=False, timeout=60) as client:
        while True:
            page = client.get(
                "/discloop/control/outbox",
                params={"after": entries[-1]["id"] if entries else 0, "limit": 500},
                headers={"Authorization": f"DiscLoop {secret}"},
            ).json()["entries"]
            if not page:
                return entries
            entries += page


def ledger(demo: Demo) -> list[dict[str, Any]]:
    """Every revision of the ledger."""
    client = demo.client
    rows: list[dict[str, Any]] = []
    while True:
        page = client.get("/api/readings", after=rows[-1]["id"] if rows else 0, limit=1000)
        if not page:
            return rows
        rows += page


def until_saved(readers: list[Correcting], *, after_s: float) -> None:
    """Wait until some time has passed and readings were saved in it."""
    earliest, before = time.monotonic() + after_s, sum(reader.saved for reader in readers)
    until(
        lambda: time.monotonic() > earliest and sum(reader.saved for reader in readers) > before,
        within_s=60,
        what="readings saved since the last kill",
    )


def test_a_backend_killed_while_readings_are_saved_loses_and_doubles_nothing(demo: Demo) -> None:
    chance = random.Random(seed())
    readers = [Correcting(demo, who, number) for number, who in enumerate(demo.of_role("reader"), start=1)]
    for reader in readers:
        reader.start()
    for _ in range(KILLS):
        demo.wait_ready()
        until_saved(readers, after_s=chance.uniform(0, LONGEST_PAUSE_S))
        demo.kill("backend")
        until(lambda: not demo.is_ready("backend"), within_s=30, what="the kill noticed")
    for reader in readers:
        reader.enough.set()
        reader.join(60)
    assert [reader.error for reader in readers] == [None, None]
    demo.wait_ready()

    written = outbox(demo)
    assert len(written) >= sum(reader.saved for reader in readers)
    until(lambda: len(ledger(demo)) >= len(written), within_s=120, what="the ledger has caught up")
    kept = ledger(demo)
    assert [row["outbox_id"] for row in kept] == [entry["id"] for entry in written]
    assert [row["sha256"] for row in kept] == [entry["sha256"] for entry in written]
    assert {row["state"] for row in kept} == {"signed"}
