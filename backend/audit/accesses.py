"""Every time that labels leave for people: noted in the audit chain before the answer does.

One place for all nouns: the routes that give labels are named here, and whoever is refused anything is noted.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.access import Actor, current_actor
from backend.audit import service
from backend.errors import BackendError
from backend.resources import Resources

READ = "label.read"
REFUSED = "request.refused"
GIVES_LABELS = (
    "/api/readings",
    "/api/comparisons",
    "/api/adjudications",
    "/adjudications",
    "/api/agreement",
    "/agreement",
    "/api/consensus",
    "/gallery",
    "/api/gallery",
)
"""Routes, by their beginning, whose answers hold what readers answered."""
NONE_OF_IT = frozenset({"/api/readings/summary"})
WITHOUT_CONTENT = frozenset({"/api/readings"})
"""Give labels only with `content=true`."""
EVERYTHING = "*"
NAMING = ("unit", "study", "key", "revision")
"""Parameters that say whose labels; without one, all may be among them."""


class AccessLog:
    """ASGI middleware inside the frame. If the note cannot be written, nothing is given."""

    def __init__(self, app: ASGIApp, *, resources: Resources) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                action = _action(scope, message["status"])
                if action is not None:
                    await run_in_threadpool(self._note, action, scope)
            await send(message)

        await self.app(scope, receive, send_noted if scope["type"] == "http" else send)

    def _note(self, action: str, scope: Scope) -> None:
        request = Request(scope)
        actor = _actor(request, self.resources)
        named = {**request.query_params, **request.path_params}
        with self.resources.database.writing() as session:
            service.record(
                session,
                action,
                subject=_subject(named),
                by=actor,
                clock=self.resources.clock,
                route=f"{scope['method']} {_route(scope)}",
            )


def gives_labels(route: str, query: Mapping[str, str]) -> bool:
    """Whether a route's answer holds what readers answered."""
    if route in WITHOUT_CONTENT:
        return query.get("content", "false").lower() not in ("", "false", "0", "no", "off")
    if route in NONE_OF_IT or "/slices/" in route:
        return False  # a picture alone says nothing of what was answered
    return any(route == one or route.startswith(f"{one}/") for one in GIVES_LABELS)


def _action(scope: Scope, status: int) -> str | None:
    if status == 403:
        return REFUSED
    gives = scope["method"] == "GET" and status == 200
    return READ if gives and gives_labels(_route(scope), Request(scope).query_params) else None


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _subject(named: Mapping[str, object]) -> str:
    return next((f"{name} {named[name]}"[:120] for name in NAMING if named.get(name)), EVERYTHING)


def _actor(request: Request, resources: Resources) -> Actor | None:
    try:
        return current_actor(request, resources)
    except BackendError:
        return None
