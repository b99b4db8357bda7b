"""Typed stand-ins for the services outside, each with the memory that the real one has."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from backend.clock import Clock, utc_now
from backend.errors import Conflict, Unavailable
from backend.outside import Outside
from backend.outside.guard import (
    Access,
    Accesses,
    Denial,
    Denials,
    Entry,
    GuardStatus,
    HeldProjection,
    OutboxPage,
    Projection,
    ProjectionAnswer,
)
from backend.outside.label_studio import NewTask, StoredAnnotation, TaskRef
from backend.outside.ml_backend import Generation, ProposalsAnswer, ServedModel, UnitToPropose
from backend.readings.content import canonical, digest
from domain.boxes import Box
from domain.findings import Proposal, ProposedDisc
from domain.taxonomy import Level, Plane

LEVELS = (Level.L5_S1, Level.L4_5, Level.L3_4, Level.L2_3, Level.L1_2)


class FakeGuard:
    """Holds a projection, passwords and an outbox."""

    def __init__(self) -> None:
        self.projections: list[Projection] = []
        self.held_version: int | None = None
        self.passwords: dict[str, str] = {}
        self.final: set[str] = set()
        self.signed_out: list[str] = []
        self.denied: list[Denial] = []
        self.accessed: list[Access] = []
        self.entries: list[Entry] = []
        self.epoch = str(uuid.uuid4())
        self.down = False
        self.clock: Clock = utc_now
        self._numbers: dict[str, int] = {}

    def status(self) -> GuardStatus:
        """As the real one answers."""
        self._answer()
        held = HeldProjection(version=self.held_version, stale=False)
        return GuardStatus(guard="0.1.0", label_studio="1.23.2", supported=True, projection=held)

    def put_projection(self, projection: Projection) -> ProjectionAnswer:
        """Refuses a lower version; numbers what is new."""
        self._answer()
        if self.held_version is not None and projection.version < self.held_version:
            raise Conflict("a higher version is held")
        self.held_version = projection.version
        self.projections.append(projection)
        return ProjectionAnswer(
            version=projection.version,
            people={person.id: self._number(person.id) for person in projection.people},
            projects={project.key: self._number(project.key) for project in projection.projects},
        )

    def set_password(self, person: str, password: str, *, final: bool = False) -> None:
        """Keeps it; refuses whom the projection does not know."""
        self._answer()
        if person not in {one.id for one in self.projections[-1].people}:
            raise Unavailable("no such person")
        self.passwords[person] = password
        (self.final.add if final else self.final.discard)(person)

    def sign_out(self, person: str) -> None:
        """Remembers whom."""
        self._answer()
        self.signed_out.append(person)

    def outbox(self, after: int, limit: int) -> OutboxPage:
        """Entries above the cursor."""
        self._answer()
        page = [entry for entry in self.entries if entry.id > after][:limit]
        last = self.entries[-1].id if self.entries else 0
        return OutboxPage(entries=tuple(page), last=last, epoch=self.epoch)

    def denials(self, *, newest: int, but: str) -> Denials:
        """As the test said."""
        self._answer()
        kept = [one for one in reversed(self.denied) if one.person != but]
        return Denials(entries=tuple(kept[:newest]))

    def newest_accesses(self, newest: int) -> Accesses:
        """As the test said."""
        self._answer()
        return Accesses(entries=tuple(reversed(self.accessed))[:newest])

    def accesses(self, after: int) -> Accesses:
        """As the test said."""
        self._answer()
        return Accesses(entries=tuple(one for one in self.accessed if one.id > after))

    def save(
        self,
        *,
        task_key: str,
        project_key: str,
        author: str,
        result: list[dict[str, Any]] | None,
        annotation: int = 1,
        event: Literal["created", "updated", "deleted"] = "created",
        actor: str | None = None,
        cancelled: bool = False,
        sha256: str | None = None,
        at: datetime | None = None,
    ) -> Entry:
        """An annotation is saved in Label Studio."""
        entry = Entry(
            id=len(self.entries) + 1,
            epoch=self.epoch,
            event=event,
            annotation=annotation,
            uid=f"uid-{annotation}",
            task=annotation,
            task_key=task_key,
            project=self._number(project_key),
            project_key=project_key,
            actor=actor or author,
            author=author,
            at=at or self.clock(),
            lead_time_s=61.5,
            cancelled=cancelled,
            result=result,
            sha256=sha256 or (None if result is None else digest(canonical(result))),
        )
        self.entries.append(entry)
        return entry

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("Label Studio's guard does not answer")

    def _number(self, key: str) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)


class FakeLabelStudio:
    """Holds tasks and annotations a project."""

    def __init__(self) -> None:
        self.held: dict[int, list[tuple[int, NewTask]]] = {}
        self.stored: dict[int, list[StoredAnnotation]] = {}
        self.attached: list[tuple[int, str]] = []
        self.version: dict[int, str] = {}
        self.down = False
        self.fails_after_import = False
        self._last = 0

    def tasks(self, project: int) -> list[TaskRef]:
        """By number."""
        self._answer()
        return [TaskRef(key=task.data["key"], task=number) for number, task in self.held.get(project, [])]

    def import_tasks(self, project: int, tasks: Sequence[NewTask]) -> None:
        """Numbers them; the first prediction's version becomes the project's, as in Label Studio."""
        self._answer()
        for task in tasks:
            self._last += 1
            self.held.setdefault(project, []).append((self._last, task))
            if task.result is not None:
                self.version.setdefault(project, task.model_version)
        if self.fails_after_import:
            raise Unavailable("the answer was lost on its way")

    def withdraw(self, task: int) -> None:
        """Unless somebody answered it."""
        self._answer()
        for project, held in self.held.items():
            self.held[project] = [(number, one) for number, one in held if number != task]

    def shown_version(self, project: int) -> str | None:
        """The project's model version."""
        return self.version.get(project)

    def attach_ml_backend(self, project: int, address: str, password: str) -> None:
        """Attached first, it becomes the project's model version, as in Label Studio."""
        self.version.setdefault(project, "the smart box")
        self.attached.append((project, address))

    def annotations(self, project: int) -> Iterator[StoredAnnotation]:
        """As stored by the test."""
        self._answer()
        yield from self.stored.get(project, [])

    def _answer(self) -> None:
        if self.down:
            raise Unavailable("Label Studio does not answer")


class FakeFrontDoor:
    """Signs in whom the guard knows, and refuses what is asked, until told otherwise."""

    def __init__(self, guard: FakeGuard) -> None:
        self.guard = guard
        self.asked: list[str] = []
        self.statuses: dict[str, int] = {}
        self._email: str | None = None

    def signed_in_as(self) -> str | None:
        """Whom it let in."""
        return self._email

    def sign_in(self, email: str, password: str) -> None:
        """By the guard's people and passwords."""
        people = {one.email: one.id for one in self.guard.projections[-1].people}
        self._email = email if self.guard.passwords.get(people.get(email, "")) == password else None

    def status_of(self, path: str) -> int:
        """403 unless the test said something else."""
        self.asked.append(path)
        return next((status for part, status in self.statuses.items() if part in path), 403)


class FakeMlBackend:
    """Proposes five discs on every sagittal unit, nothing on axial ones."""

    def __init__(self) -> None:
        self.version = self.first = "model-1"
        self.generation = 0
        self.asked: list[str] = []
        self.down = False
        self.broken: set[str] = set()

    def model(self) -> ServedModel:
        """The version."""
        if self.down:
            raise Unavailable("the ML backend does not answer")
        return ServedModel(version=self.version, generation=self.generation)

    def propose(self, units: Sequence[UnitToPropose]) -> ProposalsAnswer:
        """A proposal a unit; an error for those that the test broke."""
        self.asked += [unit.unit for unit in units]
        said = {
            unit.unit: {"error": "unreadable"} if unit.unit in self.broken else self._proposal(unit)
            for unit in units
        }
        return ProposalsAnswer(model=self.version, proposals=said)

    def set_generation(self, generation: Generation) -> ServedModel:
        """Swaps the version."""
        if generation.path == "bundled":
            self.version, self.generation = self.first, generation.generation
        else:
            self.version, self.generation = generation.version, generation.generation
        return ServedModel(version=self.version, generation=self.generation)

    def _proposal(self, unit: UnitToPropose) -> dict[str, Any]:
        discs = five_discs(unit.midline) if unit.plane is Plane.SAGITTAL else ()
        warnings = () if discs else ("no axial model",)
        proposal = Proposal(model=self.version, discs=discs, uncertainty=0.4, warnings=warnings)
        return proposal.model_dump(mode="json")


def five_discs(slice_index: int) -> tuple[ProposedDisc, ...]:
    """Discs from the lowest up, graded 1 to 5."""
    return tuple(
        ProposedDisc(
            index=index,
            level=level,
            slice=slice_index,
            box=Box(x1=100, y1=300 - 50 * index, x2=160, y2=330 - 50 * index),
            score=0.9,
            pfirrmann=index,
            pfirrmann_probs=(0.2, 0.2, 0.2, 0.2, 0.2),
        )
        for index, level in enumerate(LEVELS, start=1)
    )


class Fakes:
    """All three."""

    def __init__(self) -> None:
        self.guard = FakeGuard()
        self.label_studio = FakeLabelStudio()
        self.ml_backend = FakeMlBackend()
        self.front_door = FakeFrontDoor(self.guard)

    @property
    def outside(self) -> Outside:
        """As the application takes them."""
        return Outside(
            guard=self.guard,
            label_studio=self.label_studio,
            ml_backend=self.ml_backend,
            front_door=self.front_door,
        )
