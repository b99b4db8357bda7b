"""Is it theirs? Every number a request carries, wherever it carries it, looked up in the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from label_studio_guard.denials import Refused
from label_studio_guard.identity import Identity

PLAIN_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)

NO_DRAFT = 0
"""What the page sends as `draft_id` when nothing was drafted."""

KINDS: dict[str, str] = {
    "project": "project",
    "project_id": "project",
    "projects": "project",
    "task": "task",
    "task_id": "task",
    "taskID": "task",
    "task_ids": "task",
    "annotation": "annotation",
    "annotation_id": "annotation",
    "annotationID": "annotation",
    "parent_annotation": "annotation",
    "draft": "draft",
    "draft_id": "draft",
    "prediction": "prediction",
    "parent_prediction": "prediction",
    "view": "view",
    "view_id": "view",
    "tab": "view",
    "tabID": "view",
    "ml_backend": "ml_backend",
    "user": "user",
    "users": "user",
    "completed_by": "user",
    "updated_by": "user",
    "last_created_by": "user",
    "annotator": "user",
}
"""What the parameters and fields that name an object name."""


def check_owned(identity: Identity, kind: str, value: object) -> int:
    """The number, if the object is the identity's own.

    An object that does not exist is refused like a foreign one: the answer tells nothing.

    Raises:
        Refused: If it is not theirs, or not written as a plain number.
    """
    number = _plain_number(kind, value)
    if not _OWNS[kind](identity, number):
        raise Refused(f"{kind} {number} is not theirs")
    return number


def check_values(identity: Identity, name: str, values: Iterable[object]) -> None:
    """Check every value a request gives for a parameter that may name an object; others pass."""
    kind = KINDS.get(name)
    if kind is None:
        return
    for value in values:
        if value is None or value == "" or (kind == "draft" and value == NO_DRAFT):
            continue
        for item in value if isinstance(value, list) else [value]:
            check_owned(identity, kind, item)


def check_body(identity: Identity, body: object) -> None:
    """Check the objects named at the top of a JSON body, a list's items alike."""
    for item in body if isinstance(body, list) else [body]:
        if isinstance(item, Mapping):
            for name, value in item.items():
                check_values(identity, name, [value])


def _plain_number(kind: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and PLAIN_NUMBER.fullmatch(value):
        return int(value)
    raise Refused(f"{kind} is not a plain number")


def _project(identity: Identity, number: int) -> bool:
    return number in identity.projects


def _task(identity: Identity, number: int) -> bool:
    from tasks.models import Task

    return bool(Task.objects.filter(pk=number, project_id__in=identity.projects).exists())


def _unread_task(identity: Identity, number: int) -> bool:
    """What somebody answered is never taken away."""
    from tasks.models import Annotation

    return _task(identity, number) and not Annotation.objects.filter(task_id=number).exists()


def _annotation(identity: Identity, number: int) -> bool:
    from tasks.models import Annotation

    found = Annotation.objects.filter(pk=number, project_id__in=identity.projects)
    return bool(_written_by(identity, found, "completed_by_id").exists())


def _draft(identity: Identity, number: int) -> bool:
    from tasks.models import AnnotationDraft

    found = AnnotationDraft.objects.filter(pk=number, task__project_id__in=identity.projects)
    return bool(_written_by(identity, found, "user_id").exists())


def _prediction(identity: Identity, number: int) -> bool:
    from tasks.models import Prediction

    return bool(Prediction.objects.filter(pk=number, task__project_id__in=identity.projects).exists())


def _view(identity: Identity, number: int) -> bool:
    from data_manager.models import View

    return bool(View.objects.filter(pk=number, project_id__in=identity.projects).exists())


def _ml_backend(identity: Identity, number: int) -> bool:
    from ml.models import MLBackend

    return bool(MLBackend.objects.filter(pk=number, project_id__in=identity.projects).exists())


def _user(identity: Identity, number: int) -> bool:
    return number == identity.user


def _written_by(identity: Identity, found: Any, column: str) -> Any:
    """The service account reads everybody's; a person only what they wrote."""
    return found if identity.is_service else found.filter(**{column: identity.user})


_OWNS: dict[str, Callable[[Identity, int], bool]] = {
    "project": _project,
    "task": _task,
    "unread_task": _unread_task,
    "annotation": _annotation,
    "draft": _draft,
    "prediction": _prediction,
    "view": _view,
    "ml_backend": _ml_backend,
    "user": _user,
}
