"""The second layer: Label Studio's own permission questions, answered from the projection."""

from __future__ import annotations

from typing import Any

from label_studio_guard.accounts import SERVICE_EMAIL
from label_studio_guard.identity import StaleProjectionError, person_of, service_of


def install() -> None:
    """Put our answer behind Label Studio's; its own says yes to every member of the organization."""
    from projects.mixins import ProjectMixin
    from tasks.mixins import AnnotationMixin

    organization_says = ProjectMixin.has_permission

    def has_permission(project: Any, user: Any) -> bool:
        return bool(organization_says(project, user)) and may_open(user, project.pk)

    ProjectMixin.has_permission = has_permission
    AnnotationMixin.has_permission = may_see_annotation


def may_open(user: Any, project: int) -> bool:
    """Whether a Label Studio user may open a project: its member, or the service account."""
    try:
        identity = service_of(user) or person_of(user)
    except StaleProjectionError:
        return False
    return identity is not None and project in identity.projects


def may_see_annotation(annotation: Any, user: Any) -> bool:
    """An annotation is its author's; the service account may read it."""
    return annotation.completed_by_id == user.pk or user.email == SERVICE_EMAIL
