"""The backend's word on people and projects: taken whole, in one transaction, or not at all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.taxonomy import Plane, Role
from label_studio_guard.accounts import RESERVED, creator_account
from label_studio_guard.tables import Person, ProjectionState, ReadingProject

_LEFT_OUT = [
    f"tasks:{name}"
    for name in (
        *("inner_id", "completed_at", "cancelled_annotations", "total_predictions", "annotators"),
        *("annotations_results", "annotations_ids", "predictions_score", "predictions_model_versions"),
        *("predictions_results", "file_upload", "storage_filename", "created_at", "updated_at", "updated_by"),
        *("avg_lead_time", "data.key", "data.slices", "data.open", "data.scout", "data.table"),
    )
]
LIST_OF_UNITS = {
    "title": "Default",
    "type": "list",
    "target": "tasks",
    "hiddenColumns": {"explore": _LEFT_OUT, "labeling": _LEFT_OUT},
}
"""How Label Studio lists a project's units: which, submitted or not, begun or not.

How many proposals a unit opens with would tell its arm before it is opened.
"""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectedPerson(_Strict):
    id: str = Field(pattern=r"^p-[0-9a-f]{8}$")
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=250)
    name: str = Field(min_length=1, max_length=200)
    role: Role
    active: bool


class ProjectedProject(_Strict):
    key: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,100}$")
    title: str = Field(min_length=3, max_length=50)
    kind: Literal["reading", "adjudication", "calibration"]
    plane: Plane
    member: str
    label_config: str = Field(min_length=1)
    active: bool


class Projection(_Strict):
    """People and their projects, as the backend holds them now."""

    version: Annotated[int, Field(ge=0)]
    valid_for_s: Annotated[float, Field(gt=0, le=86400)]
    people: tuple[ProjectedPerson, ...]
    projects: tuple[ProjectedProject, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Projection:
        people = {person.id for person in self.people}
        emails = [person.email.lower() for person in self.people]
        keys = [project.key for project in self.projects]
        if len(people) != len(self.people) or len(set(emails)) != len(emails) or len(set(keys)) != len(keys):
            raise ValueError("ids, emails and project keys must each occur once")
        for project in self.projects:
            if project.member not in people:
                raise ValueError(f"project {project.key}: member {project.member} is not among the people")
        return self


class ProjectionConflict(Exception):
    """A projection that cannot replace the one held; its one line says why."""


def replace(projection: Projection) -> dict[str, Any]:
    """Take a projection in place of the one held.

    Returns:
        Label Studio's numbers of people and projects, and the configurations that were left as they
        were because saved readings would no longer fit them.

    Raises:
        ProjectionConflict: If a higher version is held, or an email belongs to somebody else.
    """
    with transaction.atomic():
        held = ProjectionState.objects.select_for_update().filter(pk=1).first()
        if held is not None and projection.version < held.version:
            raise ProjectionConflict(f"expected version {held.version} or higher, got {projection.version}")
        users = _replace_people(projection)
        projects, kept = _replace_projects(projection)
        ProjectionState.objects.update_or_create(
            pk=1,
            defaults={
                "version": projection.version,
                "valid_for_s": projection.valid_for_s,
                "received_at": timezone.now(),
            },
        )
    return {"version": projection.version, "people": users, "projects": projects, "kept": kept}


def _replace_people(projection: Projection) -> dict[str, int]:
    known = {person.id: person for person in Person.objects.all()}
    Person.objects.exclude(pk__in=[person.id for person in projection.people]).update(active=False)
    return {person.id: _put_person(person, known.get(person.id)) for person in projection.people}


def _put_person(person: ProjectedPerson, known: Person | None) -> int:
    from users.models import User

    email = person.email.lower()
    holder = User.objects.filter(email=email).first()
    user = User.objects.get(pk=known.user) if known else holder
    if email in RESERVED or (holder is not None and (user is None or holder.pk != user.pk)):
        raise ProjectionConflict(f"person {person.id}: the email belongs to another account")
    if known is None and user is not None:
        raise ProjectionConflict(f"person {person.id}: the email belongs to another account")
    if user is None:
        user = _create_user(person, email)
    wanted = {"email": email, "first_name": person.name[:256], "last_name": "", "is_active": person.active}
    changed = [name for name, value in wanted.items() if getattr(user, name) != value]
    if changed:
        for name in changed:
            setattr(user, name, wanted[name])
        user.save(update_fields=changed)
    Person.objects.update_or_create(
        pk=person.id, defaults={"user": user.pk, "role": person.role.value, "active": person.active}
    )
    return int(user.pk)


def _create_user(person: ProjectedPerson, email: str) -> Any:
    from rest_framework.authtoken.models import Token
    from users.models import User

    user = User.objects.create_user(email=email, password=None, username=person.id)
    organization = creator_account().active_organization
    organization.add_user(user)
    user.active_organization = organization
    user.save(update_fields=["active_organization"])
    # Label Studio makes a token for everybody; a person of the study has none to lose.
    Token.objects.filter(user=user).delete()
    return user


def _replace_projects(projection: Projection) -> tuple[dict[str, int], dict[str, str]]:
    from data_manager.models import View

    known = {row.key: row for row in ReadingProject.objects.all()}
    ReadingProject.objects.exclude(pk__in=[p.key for p in projection.projects]).update(active=False)
    numbers: dict[str, int] = {}
    kept: dict[str, str] = {}
    for project in projection.projects:
        row = known.get(project.key)
        if row is None:
            number = _create_project(project)
        else:
            number = row.project
            reason = _update_project(number, project)
            if reason:
                kept[project.key] = reason
        ReadingProject.objects.update_or_create(
            pk=project.key,
            defaults={
                "project": number,
                "kind": project.kind,
                "plane": project.plane.value,
                "member_id": project.member,
                "active": project.active,
            },
        )
        numbers[project.key] = number
    View.objects.filter(project_id__in=numbers.values()).update(data=LIST_OF_UNITS)
    return numbers, kept


def _create_project(project: ProjectedProject) -> int:
    from data_manager.models import View
    from projects.models import Project

    creator = creator_account()
    made = Project.objects.create(
        title=project.title,
        label_config=project.label_config,
        created_by=creator,
        organization=creator.active_organization,
        is_published=True,
        maximum_annotations=1,
        show_skip_button=False,
        show_collab_predictions=True,
        evaluate_predictions_automatically=False,
        sampling=Project.SEQUENCE,
    )
    View.objects.create(project=made, user=creator, data=LIST_OF_UNITS)
    return int(made.pk)


def _update_project(number: int, project: ProjectedProject) -> str | None:
    """Bring title and configuration up to date; the reason, where the configuration has to stay."""
    from projects.models import Project
    from rest_framework.exceptions import ValidationError

    held = Project.objects.get(pk=number)
    if (held.title, held.label_config) == (project.title, project.label_config):
        return None
    reason = None
    if held.label_config != project.label_config:
        try:
            held.validate_config(project.label_config, strict=True)
            held.label_config = project.label_config
        except ValidationError as error:
            reason = str(error.detail)[:300]
    held.title = project.title
    held.save()
    return reason
