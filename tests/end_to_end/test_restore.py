"""Backup under load, the machine lost, restored elsewhere: no signed reading is missing, the loop goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from discloop import credentials
from discloop.backend_client import BackendClient
from discloop.home import Home
from discloop.play.cases import Cases
from discloop.play.label_studio import PersonAtLabelStudio
from discloop.play.reading import SimulatedReader
from discloop.stack import background
from discloop.stack.ports import Ports
from tests.end_to_end.stack import Demo, SignIn
from tests.end_to_end.test_nothing_lost import Correcting, ledger, outbox
from tests.waiting import free_ports, until

pytestmark = pytest.mark.label_studio


class Rereading(Correcting):
    """Reads what is left of the list, then corrects everything, over and over."""

    def _read(self) -> None:
        with PersonAtLabelStudio(self.demo.label_studio, self.who.email, self.who.password) as person:
            for project in person.projects():
                for task in person.tasks(project):
                    person.submit(task, self._answer(Cases(self.demo.home).of_key(task.key)), 1.0)
            while not self.enough.is_set():
                correct(self.demo, self.who, person, seed=10_000 * self.number + self.saved)
                self.saved += 1


def correct(demo: Demo, who: SignIn, person: PersonAtLabelStudio, *, seed: int) -> None:
    """Correct the first of a person's readings."""
    tasks = (task for project in person.projects() for task in person.everything(project))
    task = next(task for task in tasks if task["annotations"])
    case = Cases(demo.home).of_key(task["data"]["key"])
    answer = SimulatedReader(who.email, who.password, seed=seed).answer(case)
    person.update(task["annotations"][0]["id"], answer, 2.0)


def discloop(*words: str, exits: int = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "discloop", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == exits, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@contextmanager
def stack_of(home: Home, like: Demo) -> Iterator[Demo]:
    """The stack of a restored home, at ports of its own."""
    ports = Ports(*free_ports(3))
    with background.running(home, ports) as stack:

        def ready() -> bool:
            now = stack.state()
            return now is not None and now.ready

        until(ready, within_s=180, what="the restored stack ready")
        token = credentials.load(home.secrets).api_token
        with closing(BackendClient(ports.backend_url, token, patience_s=60)) as client:
            yield Demo(home, like.process, ports.label_studio_url, ports.backend_url, like.sign_ins, client)


def test_a_backup_under_load_brings_every_signed_reading_back(demo: Demo, tmp_path: Path) -> None:
    readers = [Rereading(demo, who, number) for number, who in enumerate(demo.of_role("reader"), start=1)]
    for reader in readers:
        reader.start()
    until(lambda: all(reader.saved > 2 for reader in readers), within_s=120, what="readings saved")
    before = {entry["sha256"] for entry in outbox(demo)}
    key = tmp_path / "key"
    key.write_text(os.urandom(32).hex())
    made = discloop("backup", str(tmp_path / "b"), "--key", str(key), "--home", str(demo.home.root))
    for reader in readers:
        reader.enough.set()
        reader.join(60)
    assert [reader.error for reader in readers] == [None, None]

    home = Home.at(tmp_path / "elsewhere")
    restored = discloop("restore", str(tmp_path / "b"), "--key", str(key), "--home", str(home.root))
    assert restored["audit_head"] == made["audit_head"]
    assert restored["epoch"] != made["epoch"]
    with stack_of(home, demo) as again:
        last = made["outbox_last"]
        until(lambda: len(ledger(again)) >= last, within_s=120, what="the ledger has caught up")
        kept = ledger(again)
        assert before <= {row["sha256"] for row in kept}
        assert [row["outbox_id"] for row in kept] == list(range(1, last + 1))
        assert again.client.get("/api/audit/verify")["intact"]

        who = again.of_role("reader")[0]
        with PersonAtLabelStudio(again.label_studio, who.email, who.password) as person:
            correct(again, who, person, seed=1)
        until(lambda: len(ledger(again)) > last, within_s=60, what="a new reading in the ledger")
        newest = ledger(again)[-1]
        assert (newest["state"], newest["outbox_id"]) == ("signed", last + 1)

        _examine(home)


def _examine(home: Home) -> None:
    """A running stack is well; somebody beside it at Label Studio's database is found."""
    found = discloop("doctor", "--home", str(home.root))
    assert found["healthy"], [one for one in found["findings"] if one["state"] == "problem"]
    by_check = {one["check"]: one for one in found["findings"]}
    assert by_check["guard"]["found"] == "5 canaries refused"
    with (home.label_studio / "label_studio.sqlite3").open("rb"):
        found = discloop("doctor", "--home", str(home.root), exits=1)
    assert [one["check"] for one in found["findings"] if one["state"] == "problem"] == ["ways-around"]
