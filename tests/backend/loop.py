"""Readers and adjudicators at work, as the guard's outbox reports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import col, select

from backend.adjudications.tables import Adjudication
from backend.consensus.tables import ConsensusRecord
from backend.outside.label_studio import NewTask
from backend.worklists.tables import Assignment
from domain.taxonomy import Plane, Role
from tests.backend.answers import graded
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

AGREED = (3, 3, 3, 2, 1)
TO_CONSENSUS = ("outbox", "comparisons", "adjudications", "decisions")


def save(
    workplace: Workplace, task_key: str, project: str, author: str, result: list[dict[str, Any]]
) -> None:
    """Somebody submits."""
    number = len(workplace.fakes.guard.entries) + 1
    workplace.fakes.guard.save(
        task_key=task_key, project_key=project, author=author, result=result, annotation=number
    )


def read(workplace: Workplace, assignment: Assignment, *grades: int) -> None:
    """One reader's sagittal reading."""
    save(workplace, assignment.key, assignment.project, assignment.reader, graded(*grades))


def sagittal_pairs(workplace: Workplace) -> dict[str, list[Assignment]]:
    """The two assignments of each sagittal unit, by unit."""
    found: dict[str, list[Assignment]] = {}
    for assignment in workplace.assignments():
        if assignment.plane is Plane.SAGITTAL:
            found.setdefault(assignment.unit, []).append(assignment)
    return found


def read_all(workplace: Workplace, second: Mapping[str, Sequence[int]] | None = None) -> None:
    """Both readers read every sagittal unit; the second says otherwise on the units named."""
    for unit, (ours, theirs) in sagittal_pairs(workplace).items():
        read(workplace, ours, *AGREED)
        read(workplace, theirs, *(second or {}).get(unit, AGREED))


def adjudications(workplace: Workplace) -> list[Adjudication]:
    """Every adjudication, in the order they are on the lists."""
    return workplace.rows(select(Adjudication).order_by(Adjudication.project, col(Adjudication.position)))


def task_of(workplace: Workplace, key: str) -> NewTask:
    """The task in Label Studio."""
    tasks = [task for held in workplace.fakes.label_studio.held.values() for _, task in held]
    return next(task for task in tasks if task.data["key"] == key)


def decide(workplace: Workplace, adjudication: Adjudication, *, grade: int, reason: str) -> None:
    """The adjudicator grades every open disc alike, gives each the reason, and submits."""
    shown = task_of(workplace, adjudication.key).result or []
    result = list(shown)
    graded_ids = {entry["id"] for entry in shown if entry["from_name"] == "pfirrmann"}
    boxes = [e for e in shown if e["from_name"] == "finding" and e["type"] == "rectanglelabels"]
    for box in boxes:
        if box["value"]["rectanglelabels"] == ["disc"] and box["id"] not in graded_ids:
            place = {name: value for name, value in box["value"].items() if name != "rectanglelabels"}
            for control, code in (("pfirrmann", str(grade)), ("reason", reason)):
                answer = {"from_name": control, "type": "choices", "value": place | {"choices": [code]}}
                result.append(box | answer)
    save(workplace, adjudication.key, adjudication.project, adjudication.adjudicator, result)


def labels(workplace: Workplace) -> dict[str, ConsensusRecord]:
    """Consensus by unit."""
    return {row.unit: row for row in workplace.rows(select(ConsensusRecord))}


def with_adjudicator(workplace: Workplace, studies: int, *, name: str = "adjudicator") -> None:
    """Two readers with tasks on so many sagittal studies, and somebody to decide."""
    workplace.add_person(Role.ADJUDICATOR, name)
    workplace.ready(*(a_study(number, axial=False) for number in range(1, studies + 1)))
