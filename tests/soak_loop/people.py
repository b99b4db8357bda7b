"""Simulated people at work for hours: they sign in, look, read, correct, decide, pause, and go home."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from discloop.home import Home
from discloop.play.cases import Case, Cases
from discloop.play.label_studio import PersonAtLabelStudio, Task
from discloop.play.reading import SimulatedAdjudicator, SimulatedReader
from domain.taxonomy import Role

ACTS_OF_A_SHIFT = 12
CORRECTS = 0.35
"""Share of a reader's acts that correct an own reading."""
LOOKED_AT = 3
"""Slices fetched before an answer."""


@dataclass(frozen=True)
class Who:
    """A person with a sign-in."""

    email: str
    password: str
    role: Role
    number: int


@dataclass(frozen=True)
class Told:
    """A submission that its person was told is saved."""

    who: str
    key: str
    digest: str
    at: float


def digest_of(result: list[dict[str, Any]]) -> str:
    """Of an annotation's result, whatever the order of names in it."""
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


@dataclass
class Memory:
    """What all people were told, what they were refused, and the truth that simulated readers need.

    What was told is in a file as well: a soak that broke off goes on with it.
    """

    home: Home
    file: Path
    told: list[Told] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    shifts: int = 0
    cases: Cases | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.file.exists():
            self.told = [Told(**json.loads(line)) for line in self.file.read_text().splitlines()]

    def keep(self, one: Told) -> None:
        """Remember it, and write it down at once."""
        with self._lock, self.file.open("a") as stream:
            self.told.append(one)
            stream.write(json.dumps(asdict(one)) + "\n")

    def case(self, key: str) -> Case:
        """What a task shows; read anew when studies have arrived since."""
        with self._lock:
            try:
                return self._known().of_key(key)
            except KeyError:
                self.cases = None
                return self._known().of_key(key)

    def _known(self) -> Cases:
        if self.cases is None:
            self.cases = Cases(self.home)
        return self.cases


class Person(threading.Thread):
    """Works shift after shift until told to stop."""

    def __init__(self, who: Who, url: str, memory: Memory, pause_s: float, enough: threading.Event) -> None:
        super().__init__(daemon=True, name=who.email)
        self.who, self.url = who, url
        self.memory, self.pause_s, self.enough = memory, pause_s, enough
        self.chance = random.Random(f"{who.number}:{pause_s}:{who.email}")
        self.own: list[tuple[int, Task, Case]] = []
        self.acts = 0

    def run(self) -> None:
        while not self.enough.is_set():
            try:
                self._shift()
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                self.memory.refused.append({"who": self.who.email, "at": time.time(), "what": said[:500]})
                self._pause()

    def _shift(self) -> None:
        with PersonAtLabelStudio(self.url, self.who.email, self.who.password) as person:
            self.memory.shifts += 1
            for _ in range(ACTS_OF_A_SHIFT):
                self._act(person)
                if self._pause():
                    return

    def _pause(self) -> bool:
        """As long as a person takes for a unit; whether it is enough."""
        return self.enough.wait(min(self.chance.expovariate(1 / self.pause_s), 5 * self.pause_s))

    def _act(self, person: PersonAtLabelStudio) -> None:
        self.acts += 1
        if self.who.role is Role.READER and self.own and self.chance.random() < CORRECTS:
            self._correct(person)
            return
        task = next(_open_tasks(person), None)
        if task is not None:
            case = self.memory.case(task.key)
            for number in self.chance.sample(range(len(case.slices)), LOOKED_AT):
                person.look(task, number)
            result = self._answer(task, case)
            self.own.append((person.submit(task, result, self.pause_s), task, case))
            self._remember(task, result)

    def _correct(self, person: PersonAtLabelStudio) -> None:
        annotation, task, case = self.chance.choice(self.own)
        result = self._answer(task, case)
        person.update(annotation, result, self.pause_s)
        self._remember(task, result)

    def _answer(self, task: Task, case: Case) -> list[dict[str, Any]]:
        """Another one at each act."""
        seed = 1_000_000 * self.who.number + self.acts
        if self.who.role is Role.READER:
            return SimulatedReader(self.who.email, self.who.password, seed).answer(case)
        return SimulatedAdjudicator(self.who.email, self.who.password, seed).answer(task, case)

    def _remember(self, task: Task, result: list[dict[str, Any]]) -> None:
        self.memory.keep(Told(self.who.email, task.key, digest_of(result), time.time()))


def _open_tasks(person: PersonAtLabelStudio) -> Iterator[Task]:
    for project in person.projects():
        yield from person.tasks(project)
