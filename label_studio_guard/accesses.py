"""Who was given annotations that are not theirs: one line, before the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from label_studio_guard.identity import Identity
from label_studio_guard.tables import Access

GIVES_ANNOTATIONS = frozenset(
    {
        "^api/tasks/",
        "^api/tasks/<int:pk>/",
        "^api/tasks/<int:pk>/annotations/",
        "^api/annotations/<int:pk>/",
        "^api/projects/<int:pk>/tasks/",
    }
)
"""Routes whose answers hold annotations. A person gets only their own by them: only the service is noted."""
ONE_READING = timedelta(minutes=1)
"""Pages of one listing are one access."""


def note(identity: Identity, route: str, path: Mapping[str, Any], query: Mapping[str, Any]) -> None:
    """Write one line of the access log, unless the same was written within the minute."""
    if not identity.is_service or route not in GIVES_ANNOTATIONS:
        return
    named = {**{"pk": query.get("project", "")}, **path}
    subject = f"{_kind(route)} {named['pk']}"[:120]
    since = timezone.now() - ONE_READING
    if Access.objects.filter(person=identity.name, route=route, subject=subject, at__gte=since).exists():
        return
    Access.objects.create(person=identity.name, route=route, subject=subject)


def _kind(route: str) -> str:
    if route.startswith("^api/annotations/"):
        return "annotation"
    return "task" if route.startswith("^api/tasks/<") else "project"
