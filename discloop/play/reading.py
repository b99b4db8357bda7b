"""Simulated people sign in to Label Studio as themselves and work through their lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from discloop.play.cases import Case, Cases
from discloop.play.deciding import decide
from discloop.play.errors import ADJUDICATOR, READER, ErrorModel, read
from discloop.play.label_studio import PersonAtLabelStudio, Task
from labeling_configs.codec import SliceSize, encode_findings

Tell = Callable[[Task], None]


@dataclass(frozen=True)
class SimulatedReader:
    """One of them; the seed makes what they say repeatable."""

    email: str
    password: str
    seed: int
    errors: ErrorModel = READER

    def read_all(self, url: str, cases: Cases, tell: Tell, *, leaving: Collection[str] = ()) -> int:
        """Read the tasks of all own projects but those of the studies left; how many were read."""
        count = 0
        with PersonAtLabelStudio(url, self.email, self.password) as person:
            for project in person.projects():
                for task in list(person.tasks(project)):
                    case = cases.of_key(task.key)
                    if case.study not in leaving:
                        began = time.monotonic()
                        person.submit(task, self.answer(case), time.monotonic() - began)
                        tell(task)
                        count += 1
        return count

    def answer(self, case: Case) -> list[dict[str, Any]]:
        """What they submit on a case: the same at every call."""
        findings = read(case.truth, case.slices, self.errors, _chance(self.seed, case))
        return encode_findings(findings, slices=[SliceSize(s.width, s.height) for s in case.slices])


@dataclass(frozen=True)
class SimulatedAdjudicator:
    """Decides what differs."""

    email: str
    password: str
    seed: int

    def decide_all(self, url: str, cases: Cases, tell: Tell) -> int:
        """Decide the tasks that are there now; how many."""
        count = 0
        with PersonAtLabelStudio(url, self.email, self.password) as person:
            for project in person.projects():
                for task in list(person.tasks(project)):
                    person.submit(task, self.answer(task, cases.of_key(task.key)), 1.0)
                    tell(task)
                    count += 1
        return count

    def answer(self, task: Task, case: Case) -> list[dict[str, Any]]:
        """What they submit: a decision, or a reading of their own where they are shown none."""
        if not task.predictions:
            blank = SimulatedReader(self.email, self.password, self.seed, ADJUDICATOR)
            return blank.answer(case)
        return decide(task.predictions[0]["result"], case.truth, _chance(self.seed, case))


def _chance(seed: int, case: Case) -> np.random.Generator:
    return np.random.default_rng([seed, *case.study.encode(), *case.plane.encode()])
