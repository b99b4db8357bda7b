"""Which projects a person has, and telling the guard about people and projects."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache

from sqlmodel import Session

from backend.errors import Conflict
from backend.jobs.runner import IDLE, Job, JobContext, Outcome
from backend.outside.guard import ProjectedPerson, ProjectedProject, Projection, ProjectionAnswer
from backend.people import repository as people
from backend.people.tables import Person
from backend.projects import repository
from backend.projects.tables import Project, ProjectKind
from backend.resources import Resources
from backend.settings import Settings
from domain.canary import CANARY, CANARY_EMAIL
from domain.taxonomy import Plane, Role
from labeling_configs.configs import adjudication_config, reading_config
from labeling_configs.words import Language

KIND_OF_ROLE = {Role.READER: ProjectKind.READING, Role.ADJUDICATOR: ProjectKind.ADJUDICATION}
CONFIG_OF_KIND = {
    ProjectKind.READING: reading_config,
    ProjectKind.ADJUDICATION: adjudication_config,
    ProjectKind.CALIBRATION: reading_config,
}


@cache
def label_config(kind: ProjectKind, plane: Plane, language: Language) -> str:
    """The XML of a project's page; the same for the life of the process."""
    return CONFIG_OF_KIND[kind](plane, language)


def project_key(kind: ProjectKind, person: str, plane: Plane) -> str:
    """The name of a person's project that stays the same for ever."""
    return f"{kind.value}-{person}-{plane.value}"


def ensure_projects(session: Session, person: Person) -> None:
    """Give a reader or adjudicator their projects, one a plane."""
    kind = KIND_OF_ROLE.get(person.role)
    if kind is None:
        return
    for plane in Plane:
        ensure_project(session, kind, person.id, plane)


def ensure_project(session: Session, kind: ProjectKind, person: str, plane: Plane) -> Project:
    """Somebody's project of this kind and plane, made if need be."""
    key = project_key(kind, person, plane)
    project = session.get(Project, key)
    if project is None:
        title = f"{kind.value.capitalize()}, {plane.value}"
        project = Project(key=key, title=title, kind=kind, plane=plane, member=person)
        session.add(project)
        session.flush()
    return project


def projection(session: Session, settings: Settings) -> Projection:
    """Everybody and every project, as the guard is to hold it, with the state's version."""
    active = {person.id for person in people.every(session) if person.active}
    return Projection(
        version=repository.state(session).version,
        valid_for_s=settings.projection_valid_for_s,
        people=(
            *(
                ProjectedPerson(id=p.id, email=p.email, name=p.name, role=p.role, active=p.active)
                for p in people.every(session)
            ),
            ProjectedPerson(id=CANARY, email=CANARY_EMAIL, name="Canary", role=Role.READER, active=True),
        ),
        projects=tuple(
            ProjectedProject(
                key=project.key,
                title=project.title,
                kind=project.kind.value,
                plane=project.plane,
                member=project.member,
                label_config=label_config(project.kind, project.plane, settings.language),
                active=project.active and project.member in active,
            )
            for project in repository.every(session)
        ),
    )


def current_projection(session: Session, settings: Settings) -> Projection:
    """The projection, its version raised first if its content is new (a new label configuration too)."""
    held = projection(session, settings)
    digest = hashlib.sha256(held.model_dump_json(exclude={"version"}).encode()).hexdigest()
    state = repository.state(session)
    if state.digest != digest:
        state.version, state.digest = state.version + 1, digest
        session.flush()
    return held.model_copy(update={"version": state.version})


def push(resources: Resources) -> ProjectionAnswer:
    """Tell the guard now.

    Raises:
        Unavailable: If Label Studio does not answer.
        Conflict: If the guard held a higher version; ours is raised above it, so the next try succeeds.
    """
    with resources.database.writing() as session:
        body = current_projection(session, resources.settings)
    try:
        answer = resources.outside.guard.put_projection(body)
    except Conflict:
        _rise_above(resources)
        raise
    with resources.database.writing() as session:
        state = repository.state(session)
        state.pushed_version, state.pushed_at = body.version, resources.clock()
        repository.number(session, answer.projects)
    return answer


def _rise_above(resources: Resources) -> None:
    """After our database was restored from a backup, the guard may know a later version than we do."""
    held = resources.outside.guard.status().projection
    if held is not None:
        with resources.database.writing() as session:
            state = repository.state(session)
            state.version = max(state.version, held.version or 0) + 1


def keep_projection(context: JobContext) -> Outcome:
    """The job: push what is new at once, and the same again as the heartbeat."""
    settings = context.resources.settings
    with context.reading() as session:
        state = repository.state(session)
        body = projection(session, settings)
        digest = hashlib.sha256(body.model_dump_json(exclude={"version"}).encode()).hexdigest()
        beat = timedelta(seconds=settings.projection_valid_for_s / 4)
        is_known = state.digest == digest and state.pushed_version == state.version
        is_fresh = state.pushed_at is not None and context.now - state.pushed_at < beat
        note = f"version {state.version}"
    if is_known and is_fresh:
        return Outcome(worked=False, note=note)
    answer = push(context.resources)
    return Outcome(worked=not is_known, note=f"version {answer.version}") if not is_known else IDLE


PROJECTION_JOB = Job(
    name="projection", title="People and projects to Label Studio", every_s=1, run=keep_projection
)
