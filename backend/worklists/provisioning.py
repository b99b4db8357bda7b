"""Making the tasks in Label Studio, in each reader's order, each exactly once.

An assignment waits until the one before it is ready: were unaided units to appear at once and the others
later, their order would tell the arm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from backend.canary import service as canary
from backend.errors import BackendError, Unavailable
from backend.jobs.runner import Job, JobContext, Outcome
from backend.outside.label_studio import NewTask
from backend.projects import repository as projects
from backend.projects.tables import Project, ProjectKind
from backend.proposals import repository as proposals
from backend.proposals.repository import TRIES
from backend.proposals.tables import ProposalRecord
from backend.resources import Resources
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists import repository
from backend.worklists.key_files import scout, write_key_file
from backend.worklists.tables import Assignment
from domain.findings import Proposal
from domain.manifest import Series
from domain.taxonomy import Arm, Plane
from labeling_configs.codec import SliceSize, encode

CHUNK = 25
SHOWN_VERSION = "proposals"
"""The model version Label Studio sees: always the same, so that no reader can tell models apart and
tasks prepared by different models stay visible in one project."""


class DoubleTask(BackendError):
    """A task key is twice in Label Studio."""

    status = 409


@dataclass(frozen=True)
class _Prepared:
    assignment: str
    task: NewTask


def provision(context: JobContext) -> Outcome:
    """The job: one chunk of every project."""
    with context.reading() as session:
        if canary.stops_provisioning(session):
            return Outcome(worked=False, note=canary.STOPPED)
        waiting = projects.of_kind(session, ProjectKind.READING)
    made = sum(_provision_project(context, project) for project in waiting)
    with context.reading() as session:
        planned, ready, _read = repository.totals(session)
    return Outcome(worked=made > 0, note=f"{ready} of {planned} tasks")


def _provision_project(context: JobContext, project: Project) -> int:
    with context.writing() as session:
        number = project.label_studio_id
        prepared = [] if number is None else _prepare(session, context.resources, project, number)
    if not prepared or number is None:
        _attach_smart_box(context, project)
        return 0
    there = put_tasks(context, number, {one.assignment: one.task for one in prepared})
    with context.writing() as session:
        for one in prepared:
            assignment = session.get(Assignment, one.assignment)
            if assignment is not None and one.assignment in there:
                assignment.task = there[one.assignment]
                assignment.provisioned_at = context.now
    return len(prepared)


def put_tasks(context: JobContext, number: int, tasks: Mapping[str, NewTask]) -> dict[str, int]:
    """Import the tasks that a project lacks; Label Studio's numbers of all it has, by our key.

    Raises:
        DoubleTask: If a key is there twice.
    """
    there = _tasks_by_key(context, number)
    missing = [task for key, task in tasks.items() if key not in there]
    if not missing:
        return there
    context.resources.outside.label_studio.import_tasks(number, missing)
    return _tasks_by_key(context, number)


def _tasks_by_key(context: JobContext, number: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for ref in context.resources.outside.label_studio.tasks(number):
        if ref.key in found:
            raise DoubleTask(
                f"Label Studio, project {number}: tasks {found[ref.key]} and {ref.task} have one key"
            )
        found[ref.key] = ref.task
    return found


def _prepare(session: Session, resources: Resources, project: Project, number: int) -> list[_Prepared]:
    """Fix what each next assignment shows, before any task exists: a crash later changes nothing of it."""
    assignments = repository.unprovisioned(session, project.key, CHUNK)
    newest = proposals.newest(session, [one.unit for one in assignments])
    prepared = []
    for assignment in assignments:
        unit = session.get_one(Unit, assignment.unit)
        study = studies.study(session, unit.study)
        series = next(one for one in study.series if one.plane == unit.plane)
        if assignment.prepared_at is None:
            record = newest.get(assignment.unit)
            if not _is_settled(record):
                break
            _show(assignment, record, series)
            assignment.prepared_at = resources.clock()
        smart_box = assignment.arm is not Arm.UNAIDED
        write_key_file(resources.settings.keys, assignment.key, study, series, smart_box=smart_box)
        has_scout = scout(study, series) is not None
        prepared.append(_Prepared(assignment.key, _task(assignment, series, number, has_scout)))
    return prepared


def _is_settled(record: ProposalRecord | None) -> bool:
    return record is not None and (record.body is not None or record.attempts >= TRIES)


def _show(assignment: Assignment, record: ProposalRecord | None, series: Series) -> None:
    if assignment.arm is Arm.UNAIDED or record is None or record.body is None:
        return
    sizes = [SliceSize(one.width, one.height) for one in series.slices]
    proposal = Proposal.model_validate_json(record.body)
    result = encode(proposal, arm=assignment.arm, plane=assignment.plane, slices=sizes)
    assignment.proposal, assignment.model = record.id, record.model
    assignment.shown = json.dumps(result, sort_keys=True, separators=(",", ":"))


def _task(assignment: Assignment, series: Series, number: int, has_scout: bool) -> NewTask:
    data = task_data(assignment.key, series, number, has_scout)
    result = None if assignment.shown is None else json.loads(assignment.shown)
    return NewTask(data=data, result=result, model_version=SHOWN_VERSION)


def task_data(key: str, series: Series, number: int, has_scout: bool) -> dict[str, Any]:
    """All that a task says of its unit: where its slices are, and on which to open."""
    slices = f"/discloop/slices/{number}/{key}"
    data: dict[str, Any] = {
        "key": key,
        "slices": [f"{slices}/{n}" for n in range(len(series.slices))],
        "open": series.midline,
    }
    if series.plane is Plane.AXIAL:
        # The page's configuration names it; without any sagittal series the stack stands alone.
        data["scout"] = f"{slices}/scout" if has_scout else f"{slices}/{series.midline}"
    return data


def _attach_smart_box(context: JobContext, project: Project) -> None:
    """Only after predictions are there: attached first, the smart box would become what tasks open with."""
    if project.label_studio_id is None or project.smart_box_at is not None:
        return
    with context.reading() as session:
        if not repository.has_shown(session, project.key):
            return
    settings, label_studio = context.resources.settings, context.resources.outside.label_studio
    # The first import with a prediction sets it; anything else would hide what was pushed.
    version = label_studio.shown_version(project.label_studio_id)
    if version != SHOWN_VERSION:
        raise Unavailable(
            f"Label Studio, project {project.label_studio_id}: shows {version}, not {SHOWN_VERSION}"
        )
    label_studio.attach_ml_backend(
        project.label_studio_id, f"{settings.ml_url}/reading", settings.ml_password.get_secret_value()
    )
    with context.writing() as session:
        session.get_one(Project, project.key).smart_box_at = context.now


PROVISIONING_JOB = Job(name="provisioning", title="Tasks in Label Studio", every_s=3, run=provision)
