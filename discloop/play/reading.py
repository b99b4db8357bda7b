"""Simulated readers sign in to Label Studio as themselves and read their lists."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from discloop.play.cases import Case, Cases
from discloop.play.errors import READER, ErrorModel, read
from discloop.play.label_studio import PersonAtLabelStudio, Task
from labeling_configs.codec import SliceSize, encode_findings


@dataclass(frozen=True)
class SimulatedReader:
    """One of them; the seed makes what they say repeatable."""

    email: str
    password: str
    seed: int
    errors: ErrorModel = READER

    def read_all(self, url: str, cases: Cases, tell: Callable[[Task], None]) -> int:
        """Read every task of every own project; how many were read."""
        count = 0
        with PersonAtLabelStudio(url, self.email, self.password) as person:
            for project in person.projects():
                for task in person.tasks(project):
                    began = time.monotonic()
                    result = self.answer(cases.of_key(task.key))
                    person.submit(task, result, time.monotonic() - began)
                    tell(task)
                    count += 1
        return count

    def answer(self, case: Case) -> list[dict[str, Any]]:
        """What they submit on a case: the same at every call."""
        rng = np.random.default_rng([self.seed, *case.study.encode(), *case.plane.encode()])
        findings = read(case.truth, case.slices, self.errors, rng)
        return encode_findings(findings, slices=[SliceSize(s.width, s.height) for s in case.slices])
