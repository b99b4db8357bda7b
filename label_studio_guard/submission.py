"""Checking a reading before it is saved. A refused one leaves its draft as it is."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rest_framework.exceptions import APIException

from label_studio_guard.configuration import configuration
from label_studio_guard.identity import Identity, OwnProject
from label_studio_guard.rules import Rule
from label_studio_guard.slices import UnknownSliceError, unit_slices
from label_studio_guard.words import words
from labeling_configs.codec import InvalidReading, Problem, SliceSize, decode

PNG_HEADER = b"\x89PNG\r\n\x1a\n"


class Incomplete(APIException):
    """A reading that cannot be kept; says which finding, and why."""

    status_code = 400
    default_code = "invalid_reading"

    def __init__(self, detail: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(detail)
        self.problems = [problem._asdict() for problem in problems]


class AlreadySubmitted(APIException):
    """The reading is there: the page submitted it before, and the answer got lost on its way."""

    status_code = 409
    default_code = "already_submitted"


def validate(identity: Identity, path: Mapping[str, Any], body: dict[str, Any], rule: Rule) -> None:
    """Decode the reading a person submits.

    Raises:
        Incomplete: 400 with every finding and its reason, as one text the page shows.
        AlreadySubmitted: 409 for a second reading of a unit; a correction changes the first.
    """
    task = _task_of(path, rule)
    project = identity.projects[task.project_id]
    if "result" not in body:
        if rule.path.get("pk") == "annotation":
            return  # the saved result stays as it is
        raise Incomplete("The reading has no result.")
    result = body["result"]
    if not isinstance(result, list):
        raise Incomplete("The reading is not a list of regions.")
    _decode(result, project, _sizes(str(task.data.get("key", ""))))
    if rule.path["pk"] == "task" and task.annotations.filter(completed_by_id=identity.user).exists():
        raise AlreadySubmitted(words()["already_submitted"])


def _decode(result: list[Any], project: OwnProject, sizes: Sequence[SliceSize]) -> None:
    try:
        decode(result, plane=project.plane, slices=sizes)
    except InvalidReading as invalid:
        told = [problem.told(configuration().language) for problem in invalid.problems]
        raise Incomplete("; ".join([words()["draft_kept"], *told]), invalid.problems) from None


def _task_of(path: Mapping[str, Any], rule: Rule) -> Any:
    from tasks.models import Annotation, Task

    if rule.path["pk"] == "annotation":
        return Annotation.objects.select_related("task").get(pk=path["pk"]).task
    return Task.objects.get(pk=path["pk"])


def _sizes(key: str) -> list[SliceSize]:
    """Sizes of the unit's slices from their files; empty where they cannot be told."""
    try:
        return [png_size(path) for path in unit_slices(configuration(), key)]
    except UnknownSliceError:
        return []


def png_size(path: Path) -> SliceSize:
    """Width and height in pixels from a PNG's first chunk.

    Raises:
        UnknownSliceError: If the file is not there or not a PNG.
    """
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError:
        raise UnknownSliceError(path.name) from None
    if len(head) < 24 or not head.startswith(PNG_HEADER):
        raise UnknownSliceError(path.name)
    width, height = struct.unpack(">II", head[16:24])
    return SliceSize(width, height)
