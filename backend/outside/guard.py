"""The guard's control API, inside the Label Studio process."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Protocol

import httpx
from pydantic import BaseModel, ConfigDict

from backend.outside.http import call, read
from domain.taxonomy import Plane, Role

SERVICE = "Label Studio's guard"
PREFIX = "/discloop/control"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProjectedPerson(_Body):
    id: str
    email: str
    name: str
    role: Role
    active: bool


class ProjectedProject(_Body):
    key: str
    title: str
    kind: str
    plane: Plane
    member: str
    label_config: str
    active: bool


class Projection(_Body):
    """Everybody and every project, replaced whole."""

    version: int
    valid_for_s: int
    people: tuple[ProjectedPerson, ...]
    projects: tuple[ProjectedProject, ...]


class ProjectionAnswer(_Body):
    """Label Studio's own numbers of what the projection names."""

    version: int
    people: dict[str, int]
    projects: dict[str, int]


class Password(_Body):
    password: str
    final: bool = False


class HeldProjection(_Body):
    """The projection the guard holds."""

    version: int | None = None
    stale: bool = True


class HeldOutbox(_Body):
    """How far the outbox is."""

    last: int
    epoch: str | None = None


class GuardStatus(_Body):
    guard: str
    label_studio: str
    supported: bool
    projection: HeldProjection | None = None
    outbox: HeldOutbox | None = None
    denials: int = 0


class Entry(_Body):
    """One saved, changed or deleted annotation, as the guard saw it in its transaction."""

    id: int
    epoch: str
    event: Literal["created", "updated", "deleted"]
    annotation: int
    uid: str | None
    task: int | None
    task_key: str | None
    project: int | None
    project_key: str | None
    actor: str | None
    author: str | None
    at: datetime
    lead_time_s: float | None
    cancelled: bool
    result: Any = None
    """The annotation's regions, as Label Studio saved them: anything may come."""
    sha256: str | None


class OutboxPage(_Body):
    entries: tuple[Entry, ...]
    last: int
    """The highest id in the outbox, served here or not."""
    epoch: str | None = None
    """Which outbox this is: a replaced database begins another one."""


class Denial(_Body):
    id: int
    at: datetime
    person: str | None
    method: str
    route: str
    reason: str


class Denials(_Body):
    entries: tuple[Denial, ...]


class Access(_Body):
    id: int
    at: datetime
    person: str
    route: str
    subject: str


class Accesses(_Body):
    entries: tuple[Access, ...]


class Guard(Protocol):
    """What the backend asks of the guard."""

    def status(self) -> GuardStatus:
        """Versions, and whether this Label Studio is a supported one."""

    def put_projection(self, projection: Projection) -> ProjectionAnswer:
        """Replace people and projects; the same version again is the heartbeat.

        Raises:
            Conflict: If the guard holds a higher version.
        """

    def set_password(self, person: str, password: str, *, final: bool = False) -> None:
        """Set a password; ends the person's Label Studio sessions.

        Unless it is final, the person must choose their own before anything else opens.
        """

    def sign_out(self, person: str) -> None:
        """End the person's Label Studio sessions."""

    def outbox(self, after: int, limit: int) -> OutboxPage:
        """Entries with an id above `after`, ascending."""

    def denials(self, *, newest: int, but: str) -> Denials:
        """The newest refused requests, without those of the person `but`, newest first."""

    def newest_accesses(self, newest: int) -> Accesses:
        """The newest times that annotations were given to others than their authors, newest first."""

    def accesses(self, after: int) -> Accesses:
        """Annotations given to others than their authors, with an id above `after`, ascending."""


class HttpGuard:
    """The guard over HTTP."""

    def __init__(self, address: str, secret: str) -> None:
        self._client = httpx.Client(
            base_url=address,
            headers={"Authorization": f"DiscLoop {secret}"},
            timeout=httpx.Timeout(30, connect=3),
        )

    def status(self) -> GuardStatus:
        """See `Guard`."""
        return read(GuardStatus, SERVICE, call(self._client, SERVICE, "GET", f"{PREFIX}/status"))

    def put_projection(self, projection: Projection) -> ProjectionAnswer:
        """See `Guard`."""
        answer = call(self._client, SERVICE, "PUT", f"{PREFIX}/projection", projection)
        return read(ProjectionAnswer, SERVICE, answer)

    def set_password(self, person: str, password: str, *, final: bool = False) -> None:
        """See `Guard`."""
        body = Password(password=password, final=final)
        call(self._client, SERVICE, "POST", f"{PREFIX}/people/{person}/password", body)

    def sign_out(self, person: str) -> None:
        """See `Guard`."""
        call(self._client, SERVICE, "POST", f"{PREFIX}/people/{person}/sign-out")

    def outbox(self, after: int, limit: int) -> OutboxPage:
        """See `Guard`."""
        path = f"{PREFIX}/outbox?after={after}&limit={limit}"
        return read(OutboxPage, SERVICE, call(self._client, SERVICE, "GET", path))

    def denials(self, *, newest: int, but: str) -> Denials:
        """See `Guard`."""
        path = f"{PREFIX}/denials?newest={newest}&but={but}"
        return read(Denials, SERVICE, call(self._client, SERVICE, "GET", path))

    def newest_accesses(self, newest: int) -> Accesses:
        """See `Guard`."""
        path = f"{PREFIX}/accesses?newest={newest}"
        return read(Accesses, SERVICE, call(self._client, SERVICE, "GET", path))

    def accesses(self, after: int) -> Accesses:
        """See `Guard`."""
        return read(Accesses, SERVICE, call(self._client, SERVICE, "GET", f"{PREFIX}/accesses?after={after}"))
