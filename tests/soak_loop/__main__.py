"""Soaks the loop: `python -m tests.soak_loop --seconds 7200 --seed 1 --out FOLDER`.

Eight readers, two adjudicators, an engineer whose rounds train, studies that arrive, and services, trainers
and the whole stack killed or restarted at random. In the second half only trainers are killed, and in the
last third no studies arrive: people correct, rounds train, models change, and memory is judged.
`FOLDER/report.json` is rewritten every minute: an interrupted soak tells how far it came. A signal ends it
early, with its checks. Simulated people, phantoms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from discloop import credentials
from discloop.atomic import write_text
from discloop.backend_client import BackendClient
from discloop.home import Home
from discloop.stack.ports import Ports
from domain.taxonomy import Role
from tests.label_studio import migrated_template
from tests.soak_loop import checks, watching
from tests.soak_loop.engineer import Engineer, Pace
from tests.soak_loop.people import Memory, Person, Who
from tests.soak_loop.stack import TRAINER, WHOLE, Stack
from tests.waiting import appears, free_ports

READERS, ADJUDICATORS = 8, 2
VICTIMS = {"backend": 3, "label-studio": 2, "ml-backend": 2, TRAINER: 3, WHOLE: 1}
CALM = 0.5
"""Share of the time, its last, in which services are left alone."""
SETTLED = 0.35
"""Share of the time, its last, in which no studies arrive."""
FIRST_STUDIES = 16
SAMPLE_S = 60.0
CATCH_UP_S = 1200.0
"""A round may be in training at the end."""


@dataclass
class Soak:
    """One run."""

    stack: Stack
    folder: Path
    seconds: float
    calm: float
    seed: int
    pause_s: float
    trouble_s: float
    pace: Pace
    memory: Memory
    enough: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.time)
    troubles: list[dict[str, Any]] = field(default_factory=list)
    samples: list[watching.Sample] = field(default_factory=list)
    used: dict[int, float] = field(default_factory=dict)
    before_s: float = 0.0
    """Processor time before people came."""
    most_trainers: int = 0

    def run(self) -> bool:
        """All of it; whether every check holds."""
        self.stack.home.create()
        if not any(self.stack.home.label_studio.iterdir()):
            shutil.copytree(migrated_template(), self.stack.home.label_studio, dirs_exist_ok=True)
        secrets = credentials.load_or_generate(self.stack.home.secrets)
        self.stack.start()
        client = BackendClient(self.stack.ports.backend_url, secrets.api_token, patience_s=240)
        engineer = Engineer(self.stack.home, client, self.pace, self.seed, self.enough)
        engineer.bring(FIRST_STUDIES)
        engineer.studies = len((self.stack.home.store / "manifest.jsonl").read_text().splitlines())
        people = self._people(client)
        engineer.hand_out()
        self.began = time.time()
        engineer.arrives_until = self.settled
        self.before_s = watching.processor_seconds(os.getpid(), self.used)
        for worker in (*people, engineer):
            worker.start()
        try:
            self._amid_trouble(engineer)
            self.enough.set()
            for worker in (*people, engineer):
                worker.join(300)
            return self._end(client, engineer)
        except Exception as error:
            self.save(engineer, f"broken: {error}")
            raise

    @property
    def settled(self) -> float:
        """When the last studies arrive."""
        return self.began + (1 - SETTLED) * self.seconds

    def _people(self, client: BackendClient) -> list[Person]:
        people, known = [], {row["email"]: row["id"] for row in client.get("/api/people")}
        for number in range(1, READERS + ADJUDICATORS + 1):
            role = Role.READER if number <= READERS else Role.ADJUDICATOR
            email = f"{role.value}-{number}@discloop.example"
            if email not in known:
                new = {"email": email, "name": f"{role.value} {number}", "role": role.value}
                known[email] = client.post("/api/people", new)["id"]
            password = credentials.password()
            client.post(f"/api/people/{known[email]}/password", {"password": password, "final": True})
            who = Who(email, password, role, self.seed % 1000 * 100 + number)
            url = self.stack.ports.label_studio_url
            people.append(Person(who, url, self.memory, self.pause_s, self.enough))
        return people

    def _amid_trouble(self, engineer: Engineer) -> None:
        """Until time is up: a sample each minute, trouble at random moments."""
        chance = random.Random(self.seed)
        next_sample, next_trouble = time.time(), time.time() + chance.expovariate(1 / self.trouble_s)
        while time.time() < self.began + self.seconds and not self.stopped.wait(0.5):
            self.most_trainers = max(self.most_trainers, len(self.stack.trainers()))
            if time.time() >= next_sample:
                next_sample += SAMPLE_S
                self._sample()
                self.save(engineer, "running")
            if time.time() >= next_trouble:
                victim = chance.choices(list(VICTIMS), list(VICTIMS.values()))[0]
                is_calm = time.time() > self.began + (1 - self.calm) * self.seconds
                self._make_trouble(TRAINER if is_calm else victim)
                next_trouble = time.time() + chance.expovariate(1 / self.trouble_s)

    def _make_trouble(self, victim: str) -> None:
        at = time.time()
        if self.stack.trouble(victim):
            self.troubles.append({"at": at, "victim": victim, "back_after_s": round(time.time() - at, 1)})

    def _sample(self) -> None:
        for service, pid in self.stack.pids().items():
            if size := watching.rss_mb(pid):
                self.samples.append(watching.Sample(round(time.time(), 1), service, pid, size))
        watching.processor_seconds(os.getpid(), self.used)

    def report(self, engineer: Engineer, state: str) -> dict[str, Any]:
        """As far as it has come."""
        ran = time.time() - self.began
        used_s = watching.processor_seconds(os.getpid(), self.used) - self.before_s
        return {
            "simulated": True,
            "state": state,
            "commit": _git("rev-parse", "HEAD"),
            "changed_files": len(_git("status", "--porcelain", "--untracked-files=no").splitlines()),
            "seed": self.seed,
            "began": datetime.fromtimestamp(self.began, UTC).isoformat(timespec="seconds"),
            "planned_s": self.seconds,
            "ran_s": round(ran),
            "cores_used": round(used_s / max(ran, 1), 2),
            "studies": engineer.studies,
            "shifts": self.memory.shifts,
            "told": len(self.memory.told),
            "troubles": self.troubles,
            "most_trainers_at_once": self.most_trainers,
            "refused": (self.memory.refused + engineer.refused)[:100],
            "memory": watching.slopes(self.samples, self.settled),
            "samples": [asdict(sample) for sample in self.samples],
        }

    def save(self, engineer: Engineer, state: str, **more: Any) -> dict[str, Any]:
        """Write `report.json` whole."""
        report = self.report(engineer, state) | more
        write_text(self.folder / "report.json", json.dumps(report, indent=1) + "\n")
        return report

    def _end(self, client: BackendClient, engineer: Engineer) -> bool:
        """Let the loop catch up, then check; stop the stack."""
        self._sample()
        ended = "ended" if time.time() >= self.began + self.seconds else "stopped early"
        self.save(engineer, "checking")
        has_caught_up = appears(lambda: self._caught_up(client), within_s=CATCH_UP_S)
        rows = checks.ledger(client)
        entries = checks.outbox(self.stack.home, self.stack.ports.label_studio_url)
        cases = client.get("/api/adjudications")
        keys = {one["key"] for one in cases}
        held = [
            checks.Check("caught_up", 1, () if has_caught_up else (f"not within {CATCH_UP_S:g} s",)),
            checks.told_is_kept(self.memory.told, rows),
            checks.outbox_is_ledger(entries, rows, keys),
            checks.chain_is_intact(client),
            checks.consensus_is_what_was_said(client, rows),
            checks.everything_read_twice_is_compared(client, rows),
            checks.no_round_twice(self.stack.home, client, self.most_trainers),
            checks.nobody_was_refused(
                self.memory.refused + engineer.refused,
                self._moments(),
                self.acts(),
                keys | {str(one["task"]) for one in cases},
            ),
            checks.memory_is_flat(watching.slopes(self.samples, self.settled)),
        ]
        rounds = [(one["id"], one["state"], one["restarts"]) for one in client.get("/api/rounds")]
        doctor = _doctor(self.stack.home)
        self.stack.stop()
        logs = watching.grave_lines(self.stack.home.logs, [*self._moments(), time.time()])
        rows_of = {check.name: check.as_row() for check in held}
        self.save(engineer, ended, checks=rows_of, rounds=rounds, logs=logs, doctor=doctor)
        return all(check.holds for check in held) and not logs["unexplained"] and not doctor

    def acts(self) -> int:
        """What people did and was answered, or refused."""
        return len(self.memory.told) + len(self.memory.refused)

    def _moments(self) -> list[float]:
        """Each kill or restart, and when all was well again."""
        return [one["at"] + s for one in self.troubles for s in (0.0, one["back_after_s"])]

    def _caught_up(self, client: BackendClient) -> bool:
        stages = {stage["key"]: stage["done"] for stage in client.get("/api/status")["stages"]}
        last = checks.outbox(self.stack.home, self.stack.ports.label_studio_url)[-1:]
        seen = client.get("/api/readings/summary")["cursor"]
        busy = [
            one for one in client.get("/api/rounds") if one["state"] in ("queued", "training", "evaluating")
        ]
        return bool(
            last and seen == last[0]["id"] and stages["readings"] == stages["comparisons"] and not busy
        )


def _doctor(home: Home) -> list[str]:
    """The problems that `discloop doctor` finds on the running stack."""
    command = [sys.executable, "-P", "-m", "discloop", "doctor", "--home", str(home.root), "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return [f"{one['check']}: {one['found']}" for one in said["findings"] if one["state"] == "problem"]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


def _on_signal(soak: Soak) -> Callable[[int, FrameType | None], None]:
    return lambda _number, _frame: soak.stopped.set()


def main() -> int:
    """Run, and say in one line how it ended; exit 1 if a check does not hold."""
    parser = argparse.ArgumentParser(prog="tests.soak_loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument(
        "--out", type=Path, required=True, help="home, told.jsonl, report.json; one that broke off goes on"
    )
    parser.add_argument("--pause", type=float, default=45, help="mean seconds between a person's acts")
    parser.add_argument(
        "--calm", type=float, default=CALM, help="share of the time without restarts, its last"
    )
    parser.add_argument("--trouble", type=float, default=420, help="mean seconds between kills and restarts")
    parser.add_argument("--arrivals", type=float, default=240, help="seconds between arrivals of studies")
    parser.add_argument("--rounds", type=float, default=900, help="seconds between rounds")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    stack = Stack(Home.at(given.out / "home"), Ports(*free_ports(3)))
    pace = Pace(arrivals_s=given.arrivals, rounds_s=given.rounds)
    memory = Memory(stack.home, given.out / "told.jsonl")
    soak = Soak(
        stack, given.out, given.seconds, given.calm, given.seed, given.pause, given.trouble, pace, memory
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _on_signal(soak))
    try:
        holds = soak.run()
    finally:
        stack.stop()
    sys.stderr.write(f"every check {'holds' if holds else 'does NOT hold'}: {given.out / 'report.json'}\n")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
