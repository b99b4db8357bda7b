"""Making adjudication tasks in Label Studio, in each adjudicator's order, each exactly once."""

from __future__ import annotations

import json

from sqlmodel import Session

from backend.adjudications import repository, service
from backend.adjudications.tables import Adjudication
from backend.canary import service as canary
from backend.jobs.runner import Job, JobContext, Outcome
from backend.outside.label_studio import NewTask
from backend.projects import repository as projects
from backend.projects.tables import Project, ProjectKind
from backend.resources import Resources
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.key_files import scout, write_key_file
from backend.worklists.provisioning import put_tasks, task_data

CHUNK = 25
SHOWN_VERSION = "two readings"
"""The model version Label Studio shows the prefilled part under."""


def adjudicate(context: JobContext) -> Outcome:
    """The job: give out one batch, and make the tasks of what was given."""
    with context.reading() as session:
        if canary.stops_provisioning(session):
            return Outcome(worked=False, note=canary.STOPPED)
    given = service.give_out(context)
    with context.reading() as session:
        waiting = projects.of_kind(session, ProjectKind.ADJUDICATION)
    made = sum(_provision(context, project) for project in waiting)
    with context.reading() as session:
        total, done = repository.counts(session)
        left = repository.count_waiting(session)
    note = f"{total - done} with adjudicators" + (f", {left} wait for one" if left else "")
    return Outcome(worked=given + made > 0, note=note)


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
    withdrawn = []
    with context.writing() as session:
        for key in tasks.keys() & there.keys():
            row = session.get(Adjudication, key)
            if row is None:  # a late correction took the case back while its task was made
                withdrawn.append(there[key])
            else:
                row.task, row.provisioned_at = there[key], context.now
    for task in withdrawn:
        context.resources.outside.label_studio.withdraw(task)
    return len(tasks)


def _task(session: Session, resources: Resources, row: Adjudication, number: int) -> NewTask:
    study = studies.study(session, session.get_one(Unit, row.unit).study)
    series = next(one for one in study.series if one.plane == row.plane)
    write_key_file(resources.settings.keys, row.key, study, series, smart_box=True)
    data = task_data(row.key, series, number, scout(study, series) is not None)
    data["table"] = row.differences
    return NewTask(data=data, result=json.loads(row.shown), model_version=SHOWN_VERSION)


ADJUDICATIONS_JOB = Job(
    name="adjudications", title="Disagreements to adjudicators", every_s=3, run=adjudicate
)
DECISIONS_JOB = Job(name="decisions", title="Decisions to consensus", every_s=2, run=service.conclude)
