"""Schedulers, trainers and connections killed at random: the round ends, once, and nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlmodel import col, select

from backend.audit.tables import AuditEntry
from backend.rounds.folders import RoundFolder, read_weights
from backend.rounds.tables import Look
from domain.rounds import RoundState
from tests.backend.rounds.conftest import DEADLINE_S, label_studies, stub_settings, the_round
from tests.backend.rounds.test_rounds import queue_round
from tests.backend.workplace import Workplace
from tests.soaking import seed, times

KILLS = times(in_test=10, in_soak=100)
ROOT = Path(__file__).parents[3]
STALLED_S = 180
"""Without a new epoch for so long the round has stalled; a busy machine may take as long as it likes."""


class Schedulers:
    """Processes that carry rounds on, killed and replaced by the test."""

    def __init__(self, workplace: Workplace) -> None:
        self.path = workplace.settings.rounds.parent / "settings.json"
        told = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in workplace.settings.model_dump().items()
        }
        self.path.write_text(json.dumps(told))
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.backend.rounds.scheduler_process", str(self.path)]
        self.running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))

    def kill(self, one: subprocess.Popen[bytes]) -> None:
        one.kill()
        one.wait()
        self.running.remove(one)

    def end(self) -> None:
        while self.running:
            self.kill(self.running[0])


@contextmanager
def schedulers(workplace: Workplace, count: int) -> Iterator[Schedulers]:
    made = Schedulers(workplace)
    try:
        for _ in range(count):
            made.start()
        yield made
    finally:
        made.end()


def slow_workplace(workplace: Workplace, *, epochs: int) -> None:
    told = stub_settings(workplace.settings, train=f"--epochs {epochs} --pause 0.05")
    workplace.settings.__dict__.update(told.model_copy(update={"job_lease_s": 0.5}).__dict__)
    label_studies(workplace)


def kill_trainer(folder: RoundFolder) -> bool:
    """End the launcher and its trainer at once, if they run."""
    with suppress(OSError, ValueError):
        launcher = int((folder.root / "training.lock").read_text())
        os.killpg(launcher, signal.SIGKILL)
        return True
    return False


def cut_connections(workplace: Workplace) -> bool:
    """End every connection to the workplace's database in the middle of whatever it does."""
    ours = "datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(workplace.settings.database_url, autocommit=True) as connection:
        cut = connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}")
        return bool(cut.fetchall())


def replace_one(processes: Schedulers, draw: random.Random) -> bool:
    """Kill a scheduler and start another."""
    processes.kill(draw.choice(processes.running))
    processes.start()
    return True


@pytest.mark.soak
def test_killed_at_random_the_round_ends_once(workplace: Workplace, client: TestClient) -> None:
    slow_workplace(workplace, epochs=20 + 4 * KILLS)
    draw = random.Random(seed())
    round_id = queue_round(client)
    folder = RoundFolder(workplace.settings.rounds / round_id)
    with schedulers(workplace, 2) as processes:
        acts = {
            "trainer": lambda: kill_trainer(folder),
            "scheduler": lambda: replace_one(processes, draw),
        }
        if workplace.settings.database_url.startswith("postgres"):
            acts["connections"] = lambda: cut_connections(workplace)
        killed = dict.fromkeys(acts, 0)
        reached, deadline = 0, time.monotonic() + STALLED_S
        while the_round(workplace, round_id).ended_at is None:
            if len(folder.history()) > reached:
                reached, deadline = len(folder.history()), time.monotonic() + STALLED_S
            assert time.monotonic() < deadline, the_round(workplace, round_id)
            if sum(killed.values()) < KILLS and folder.progress() is not None:
                which = min(killed, key=lambda name: killed[name])
                killed[which] += acts[which]()
            seen = len(folder.history())
            moment = time.monotonic() + draw.uniform(0.3, 1.5)
            while time.monotonic() < min(moment, deadline) and len(folder.history()) == seen:
                time.sleep(0.02)
    row = the_round(workplace, round_id)
    assert row.state is RoundState.PASSED, row.error
    assert sum(killed.values()) >= 0.8 * KILLS, killed
    assert not (folder.training / "doubled").exists()
    assert read_weights(folder.weights) == (row.challenger, row.weights)
    assert len(workplace.rows(select(Look))) == 1
    done = workplace.rows(select(AuditEntry.action).where(col(AuditEntry.action).like("round.%")))
    assert sorted(done) == ["round.approved", "round.passed", "round.planned", "round.started"]


def test_two_schedulers_finish_each_round_once(workplace: Workplace, client: TestClient) -> None:
    slow_workplace(workplace, epochs=4)
    with schedulers(workplace, 2):
        for _ in range(2):
            round_id = queue_round(client)
            deadline = time.monotonic() + DEADLINE_S
            while the_round(workplace, round_id).ended_at is None:
                assert time.monotonic() < deadline, the_round(workplace, round_id)
                time.sleep(0.05)
            row = the_round(workplace, round_id)
            assert (row.state, row.restarts) == (RoundState.PASSED, 0)
            assert not (workplace.settings.rounds / round_id / "training" / "doubled").exists()
    passed = workplace.rows(select(AuditEntry).where(AuditEntry.action == "round.passed"))
    assert len(passed) == 2
