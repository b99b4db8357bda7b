"""Label Studio's own API, by its SDK with the service account's token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict

from backend.errors import Unavailable
from backend.outside import ml_backend

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio as Sdk

SERVICE = "Label Studio"
ML_TITLE = "DiscLoop smart box"
"""Differs from every prediction's model version: where they are equal, Label Studio asks `/predict`
when a task is opened and shows that instead of what was pushed."""
PAGE = 100

Answer = TypeVar("Answer")


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewTask(_Body):
    """A task to import. `result` is the prediction's regions; `None` pushes no prediction."""

    data: dict[str, Any]
    result: list[dict[str, Any]] | None = None
    model_version: str = ""


class TaskRef(_Body):
    """A task that exists, by our key in its data."""

    key: str
    task: int


class StoredAnnotation(_Body):
    """An annotation as Label Studio holds it now."""

    task_key: str
    annotation: int
    uid: str | None
    cancelled: bool
    result: list[dict[str, Any]]


class LabelStudio(Protocol):
    """What the backend asks of Label Studio's API."""

    def tasks(self, project: int) -> list[TaskRef]:
        """Every task of the project, by Label Studio's id ascending."""

    def import_tasks(self, project: int, tasks: Sequence[NewTask]) -> None:
        """Add tasks, in this order."""

    def withdraw(self, task: int) -> None:
        """Take a task away that nobody answered; one that somebody did, or that is gone, stays as it is."""

    def shown_version(self, project: int) -> str | None:
        """Which model version's predictions the project's tasks open with."""

    def attach_ml_backend(self, project: int, address: str, password: str) -> None:
        """Connect the smart box, once."""

    def annotations(self, project: int) -> Iterator[StoredAnnotation]:
        """Every annotation of the project, skipped ones included."""


class SdkLabelStudio:
    """Label Studio over its SDK."""

    def __init__(self, address: str, token: str) -> None:
        self._address, self._token = address, token
        self._client = httpx.Client(timeout=60, follow_redirects=True, trust_env=False)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @cached_property
    def _sdk(self) -> Sdk:
        # Here, not above: it brings pandas and more, two seconds that a start need not wait for.
        from label_studio_sdk import LabelStudio

        return LabelStudio(  # type: ignore[no-untyped-call]
            base_url=self._address, api_key=self._token, timeout=60, httpx_client=self._client
        )

    def tasks(self, project: int) -> list[TaskRef]:
        """See `LabelStudio`."""

        def pages() -> list[TaskRef]:
            found: Iterable[Any] = self._sdk.tasks.list(
                project=project, fields="task_only", include="id,data", page_size=PAGE
            )
            return [TaskRef(key=str(task.data.get("key", "")), task=int(task.id)) for task in found]

        return sorted(_asked("list tasks", pages), key=lambda ref: ref.task)

    def import_tasks(self, project: int, tasks: Sequence[NewTask]) -> None:
        """See `LabelStudio`."""
        # As the API documents it: the SDK's own type asks for the number of a task that does not exist yet.
        request: Any = [_import_form(task) for task in tasks]
        _asked("import tasks", lambda: self._sdk.projects.import_tasks(project, request=request))

    def withdraw(self, task: int) -> None:
        """See `LabelStudio`."""
        from label_studio_sdk.core.api_error import ApiError

        def delete() -> None:
            try:
                self._sdk.tasks.delete(id=str(task))
            except ApiError as error:
                # The guard's answer to a task that is gone or answered is that to a foreign one.
                if error.status_code not in (403, 404):
                    raise

        _asked("withdraw a task", delete)

    def shown_version(self, project: int) -> str | None:
        """See `LabelStudio`."""
        return _asked("read project", lambda: self._sdk.projects.get(project)).model_version or None

    def attach_ml_backend(self, project: int, address: str, password: str) -> None:
        """See `LabelStudio`."""
        attached = _asked("list ML backends", lambda: self._sdk.ml.list(project=project))
        if any(one.title == ML_TITLE for one in attached):
            return
        _asked(
            "attach the ML backend",
            lambda: self._sdk.ml.create(
                project=project,
                url=address,
                title=ML_TITLE,
                is_interactive=True,
                auth_method="BASIC_AUTH",
                basic_auth_user=ml_backend.USER,
                basic_auth_pass=password,
            ),
        )

    def annotations(self, project: int) -> Iterator[StoredAnnotation]:
        """See `LabelStudio`."""

        def pages() -> list[StoredAnnotation]:
            found: Iterable[Any] = self._sdk.tasks.list(project=project, fields="all", page_size=PAGE)
            return [stored for task in found for stored in _annotations_of(task)]

        yield from _asked("list annotations", pages)


def _import_form(task: NewTask) -> dict[str, Any]:
    form: dict[str, Any] = {"data": task.data}
    if task.result is not None:
        form["predictions"] = [{"result": task.result, "model_version": task.model_version}]
    return form


def _annotations_of(task: Any) -> Iterator[StoredAnnotation]:
    for annotation in task.annotations or ():
        row = annotation if isinstance(annotation, dict) else annotation.model_dump()
        yield StoredAnnotation(
            task_key=str(task.data.get("key", "")),
            annotation=int(row["id"]),
            uid=None if row.get("unique_id") is None else str(row["unique_id"]),
            cancelled=bool(row.get("was_cancelled")),
            result=row.get("result") or [],
        )


def _asked(what: str, ask: Callable[[], Answer]) -> Answer:
    from label_studio_sdk.core.api_error import ApiError

    try:
        return ask()
    except ApiError as error:
        raise Unavailable(f"{SERVICE}, {what}: answered {error.status_code}") from None
    except httpx.HTTPError as error:
        raise Unavailable(f"{SERVICE} does not answer ({what}: {type(error).__name__})") from None
