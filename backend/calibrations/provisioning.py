"""Making calibration tasks in Label Studio: unaided, each exactly once."""

from __future__ import annotations

from sqlmodel import Session

from backend.calibrations import repository, service
from backend.calibrations.tables import CalibrationTask
from backend.canary import service as canary
from backend.jobs.runner import Job, JobContext, Outcome
from backend.outside.label_studio import NewTask
from backend.projects import repository as projects
from backend.projects.tables import Project, ProjectKind
from backend.resources import Resources
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.key_files import write_key_file
from backend.worklists.provisioning import CHUNK, SHOWN_VERSION, put_tasks, task_data
from domain.taxonomy import Plane


def calibrate(context: JobContext) -> Outcome:
    """The job: give attempts to who needs one, make their tasks, score what is finished."""
    with context.reading() as session:
        if canary.stops_provisioning(session):
            return Outcome(worked=False, note=canary.STOPPED)
        if repository.newest(session) is None:
            return Outcome(worked=False, note="no calibration set")
        settled = repository.all_passed(session)
    done = 0
    if not settled:
        with context.writing() as session:
            done += service.give_due(session, clock=context.resources.clock)
            done += service.finish(session, clock=context.resources.clock)
    with context.reading() as session:
        waiting = projects.of_kind(session, ProjectKind.CALIBRATION)
    done += sum(_provision(context, project) for project in waiting)
    with context.reading() as session:
        note = f"{repository.count_passed(session)} readers have passed"
    return Outcome(worked=done > 0, note=note)


def _provision(context: JobContext, project: Project) -> int:
    number = project.label_studio_id
    if number is None:
        return 0
    with context.reading() as session:
        rows = repository.unprovisioned(session, project.key, CHUNK)
        tasks = {row.key: _task(session, context.resources, row, number) for row in rows}
    if not tasks:
        return 0
    there = put_tasks(context, number, tasks)
    with context.writing() as session:
        for key in tasks:
            session.get_one(CalibrationTask, key).task = there.get(key)
    return len(tasks)


def _task(session: Session, resources: Resources, row: CalibrationTask, number: int) -> NewTask:
    study = studies.study(session, session.get_one(Unit, row.unit).study)
    series = next(one for one in study.series if one.plane is Plane.SAGITTAL)
    write_key_file(resources.settings.keys, row.key, study, series, smart_box=False)
    data = task_data(row.key, series, number, has_scout=False)
    return NewTask(data=data, result=None, model_version=SHOWN_VERSION)


CALIBRATION_JOB = Job(name="calibration", title="Calibration of readers", every_s=3, run=calibrate)
