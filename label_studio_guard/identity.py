"""Who is asking: a person of the projection, signed in by session, or the service account by its token."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils import timezone

from domain.taxonomy import Plane, Role
from label_studio_guard.accounts import SERVICE_EMAIL
from label_studio_guard.tables import Person, ProjectionState, ReadingProject

LONGEST_SESSION = timedelta(hours=12)
SERVICE = "service"


@dataclass(frozen=True)
class OwnProject:
    """A project somebody may open."""

    key: str
    kind: str
    plane: Plane


@dataclass(frozen=True)
class Identity:
    """Who is asking, and the projects that are theirs, by Label Studio's number."""

    name: str
    """The person's id, or `service`."""
    user: int
    role: Role | None
    projects: dict[int, OwnProject] = field(default_factory=dict)
    must_choose_password: bool = False
    """Signed in with a password that another made."""

    @property
    def is_service(self) -> bool:
        return self.name == SERVICE


class StaleProjectionError(Exception):
    """Nobody knows for certain who may open what: deny."""


def require_fresh_projection() -> ProjectionState:
    """The held projection.

    Raises:
        StaleProjectionError: If there is none, or it is older than it said it would be valid.
    """
    state = ProjectionState.objects.filter(pk=1).first()
    if state is None or age_of(state) > state.valid_for_s:
        raise StaleProjectionError
    return state


def age_of(state: ProjectionState) -> float:
    """Seconds since the projection was last confirmed."""
    return float((timezone.now() - state.received_at).total_seconds())


def person_of(user: Any) -> Identity | None:
    """The active person of the fresh projection that a Label Studio user stands for, if any.

    Raises:
        StaleProjectionError: If the projection is stale.
    """
    require_fresh_projection()
    person = Person.objects.filter(user=user.pk, active=True).first()
    if person is None or not user.is_active:
        return None
    rows = ReadingProject.objects.filter(member=person, active=True)
    projects = {row.project: OwnProject(row.key, row.kind, Plane(row.plane)) for row in rows}
    return Identity(person.id, user.pk, Role(person.role), projects, person.must_choose_password)


def service_of(user: Any) -> Identity | None:
    """The service account with every project of the projection, if the user is it."""
    if user.email != SERVICE_EMAIL:
        return None
    rows = ReadingProject.objects.all()
    projects = {row.project: OwnProject(row.key, row.kind, Plane(row.plane)) for row in rows}
    return Identity(SERVICE, user.pk, None, projects)


def session_user(request: HttpRequest) -> Any | None:
    """The user of the session itself, whatever another credential made of `request.user`."""
    user = get_user(request)
    if not user.is_authenticated:
        return None
    signed_in_at = float(request.session.get("last_login", 0))
    if time.time() - signed_in_at > LONGEST_SESSION.total_seconds():
        request.session.flush()
        return None
    return user
