"""One turn of the loop by simulated people: read, compare, adjudicate, agree, retrain, gate, promote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from discloop.backend_client import BackendClient, NoAnswer
from discloop.demo.people import SignIn
from discloop.home import Home
from discloop.play.cases import Cases
from discloop.play.reading import SimulatedAdjudicator, SimulatedReader
from discloop.progress import Report, Steps
from domain.errors import DiscLoopError
from domain.taxonomy import Role

LEFT_UNREAD = 2
"""Studies nobody reads in the play, so that the new model has something to propose on."""
POLL_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 300.0
LONGEST_ROUND_SECONDS = 3 * 3600.0
ENDED = ("passed", "held", "promoted", "failed", "cancelled", "rolled_back")


@dataclass
class Turn:
    """What is needed for it, and what came of it."""

    home: Home
    client: BackendClient
    label_studio: str
    sign_ins: Sequence[SignIn]
    outcome: dict[str, Any] = field(default_factory=lambda: {"simulated": True})

    def play(self, steps: Steps) -> dict[str, Any]:
        """The whole turn; what is done already is not done again.

        Raises:
            DiscLoopError: If the home's studies are not phantoms, or a step does not come to its end.
        """
        cases = Cases(self.home)
        known = self._revisions()
        with steps.step("Two simulated readers read, blind") as report:
            self.outcome["read"] = self._read(cases, report)
        with steps.step("Compare the readings") as report:
            self._wait_compared(known + self.outcome["read"], report)
        with steps.step("A simulated adjudicator decides what differs") as report:
            self.outcome["adjudicated"] = self._adjudicate(cases, report)
        self.outcome["agreement"] = self.client.get("/api/agreement")
        with steps.step("Plan, approve and train a round") as report:
            self.outcome["round"] = self._round(report)
        if self.outcome["round"]["state"] in ("passed", "promoted"):
            with steps.step("Promote, and propose anew on what is unread") as report:
                self._promote(report)
        self.outcome["status"] = self._stages()
        return self.outcome

    def _of_role(self, role: Role) -> list[SignIn]:
        return [one for one in self.sign_ins if one.role is role]

    def _read(self, cases: Cases, report: Report) -> int:
        left = cases.last_studies(LEFT_UNREAD)
        readers = [
            SimulatedReader(one.email, one.password, seed=number)
            for number, one in enumerate(self._of_role(Role.READER), start=1)
        ]
        planned = self._stage("worklists")["total"] or 1
        done: list[int] = []

        def tell(_task: object) -> None:
            done.append(1)
            report(len(done), planned, f"{len(done)} readings")

        def work(reader: SimulatedReader) -> Callable[[], object]:
            return lambda: reader.read_all(self.label_studio, cases, tell, leaving=left)

        _together([work(reader) for reader in readers])
        return len(done)

    def _wait_compared(self, revisions: int, report: Report) -> None:
        """Until the ledger has so many revisions, and every unit read twice is compared."""

        def compared() -> bool:
            # In this order: revisions that arrive between two questions would pass as none.
            have_arrived = self._revisions() >= revisions
            stages = self._stages()
            twice, pairs = stages["readings"]["done"], stages["comparisons"]["done"]
            report(pairs, twice or None, f"{pairs} of {twice} units read twice")
            return bool(have_arrived and pairs == twice)

        _until(compared, "the readings compared")

    def _revisions(self) -> int:
        known: int = self.client.get("/api/readings/summary")["revisions"]
        return known

    def _adjudicate(self, cases: Cases, report: Report) -> int:
        (one,) = self._of_role(Role.ADJUDICATOR)
        adjudicator, decided = SimulatedAdjudicator(one.email, one.password, seed=3), 0

        def all_decided() -> bool:
            nonlocal decided
            stages = self._stages()
            stage = stages["adjudications"]
            report(stage["done"], stage["total"] or None, f"{stage['done']} of {stage['total']} units")
            # A unit is labelled by agreement or by decision; until then it may still become a case.
            if stages["consensus"]["done"] == stages["comparisons"]["done"]:
                return True
            decided += adjudicator.decide_all(self.label_studio, cases, lambda _task: None)
            return False

        _until(all_decided, "every disagreement decided")
        return decided

    def _round(self, report: Report) -> dict[str, Any]:
        rounds = self.client.get("/api/rounds")
        unfinished = [one for one in rounds if one["state"] not in ENDED]
        if rounds and not unfinished and not self.outcome["read"]:
            newest: dict[str, Any] = rounds[0]
            return newest
        now = unfinished[0] if unfinished else self._order("/api/rounds")
        for state, step in (("planned", "approve"), ("approved", "start")):
            if now["state"] == state:
                now = self._order(f"/api/rounds/{now['id']}/{step}")
        deadline = time.monotonic() + LONGEST_ROUND_SECONDS
        while now["state"] not in ENDED:
            if time.monotonic() > deadline:
                raise DiscLoopError(f"round {now['id']}: still {now['state']}; its page says how far it is")
            progress = now["progress"] or {}
            epoch, epochs = progress.get("epoch", 0), progress.get("epochs")
            report(epoch, epochs, f"{now['state']}" + (f", epoch {epoch} of {epochs}" if epochs else ""))
            time.sleep(POLL_SECONDS)
            now = self.client.get(f"/api/rounds/{now['id']}")
        report(1, 1, now["state"])
        return dict(now)

    def _promote(self, report: Report) -> None:
        now = self.outcome["round"]
        if now["state"] == "passed":
            now = self.outcome["round"] = self._order(f"/api/rounds/{now['id']}/promote")
        version = now["challenger"]

        def proposed() -> bool:
            progress = self.client.get("/api/proposals")
            report(progress["proposed"], progress["units"] or None, f"by {progress['model']}")
            return bool(progress["model"] == version and not progress["waiting"])

        _until(proposed, f"unread units proposed by {version}")

    def _order(self, path: str) -> dict[str, Any]:
        """Order a step of the newest round; if no answer came, it may have been done all the same."""
        before = self._states()
        while True:
            try:
                return dict(self.client.post(path))
            except NoAnswer:
                if self._states() != before:
                    return dict(self.client.get("/api/rounds")[0])

    def _states(self) -> dict[str, str]:
        return {one["id"]: one["state"] for one in self.client.get("/api/rounds")}

    def _stages(self) -> dict[str, Any]:
        return {stage["key"]: stage for stage in self.client.get("/api/status")["stages"]}

    def _stage(self, key: str) -> dict[str, Any]:
        stage: dict[str, Any] = self._stages()[key]
        return stage


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise DiscLoopError(f"not within {LONGEST_WAIT_SECONDS:g} s: {what}; the logs say why")
        time.sleep(POLL_SECONDS)


def _together(works: Sequence[Callable[[], object]]) -> None:
    """Do all at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def do(work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=do, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
