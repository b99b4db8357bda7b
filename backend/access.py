"""Who asks, and whether they may. Roles come from our own table at every request."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form, Request

from backend.errors import Forbidden, SignInNeeded
from backend.resources import Resources, Using
from domain.taxonomy import Role

SESSION_COOKIE = "discloop_session"
API = "api"
"""Stands for the holder of the API token (the command line, an engineer's script)."""


@dataclass(frozen=True)
class Actor:
    """A person signed in to the pages, or the holder of the API token."""

    id: str
    name: str
    role: Role
    session: str | None = None
    csrf: str = ""

    def is_one_of(self, *roles: Role) -> bool:
        """Whether the actor has one of these roles."""
        return self.role in roles


def current_actor(request: Request, resources: Using) -> Actor:
    """Whoever sent the request.

    Raises:
        SignInNeeded: Without a valid session or API token.
        Forbidden: If a browser's session tries to write through the API, which has no CSRF tokens.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _holder_of(token, resources)
    actor = session_actor(request, resources)
    if actor is None:
        raise SignInNeeded("sign in first")
    if request.url.path.startswith("/api/") and request.method not in ("GET", "HEAD"):
        raise Forbidden("writing through the API needs its token; in a browser use the pages")
    return actor


def session_actor(request: Request, resources: Resources) -> Actor | None:
    """The person whose session cookie this is, or nobody."""
    # Here, not above: sessions' service raises this module's errors and reads its names.
    from backend.sessions import service

    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    with resources.database.reading() as session:
        return service.actor_of(session, token, now=resources.clock())


def _holder_of(token: str, resources: Resources) -> Actor:
    expected = resources.settings.api_token.get_secret_value()
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise SignInNeeded("this API token is not valid")
    return Actor(id=API, name="API", role=Role.ENGINEER)


def allow(*roles: Role) -> Callable[..., Actor]:
    """A dependency that lets only these roles through."""

    def check(actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
        if actor.role not in roles:
            wanted = " or ".join(sorted(role.value for role in roles))
            raise Forbidden(f"this is for {wanted}; you are signed in as {actor.role.value}")
        return actor

    return check


def checked_form(actor: Annotated[Actor, Depends(current_actor)], csrf: Annotated[str, Form()] = "") -> None:
    """Let a form through only with its session's own token.

    Raises:
        Forbidden: If the token is missing or another session's.
    """
    if not actor.csrf or not hmac.compare_digest(csrf.encode(), actor.csrf.encode()):
        raise Forbidden("this form is too old or was not ours; go back, reload the page and send it again")


FormOfOurs = Depends(checked_form)
"""For `dependencies=[...]` of every page route that changes something."""

RUNS_THE_LOOP = frozenset({Role.ENGINEER, Role.ADMIN})
SEES_THE_LOOP = RUNS_THE_LOOP | {Role.LEAD}

Anyone = Annotated[Actor, Depends(current_actor)]
Engineer = Annotated[Actor, Depends(allow(*RUNS_THE_LOOP))]
Lead = Annotated[Actor, Depends(allow(*SEES_THE_LOOP))]
