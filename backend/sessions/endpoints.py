"""Signing in and out: `/sign-in`, `/auth/start`, `/auth/callback`, `/auth/sign-out`."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from backend.access import SESSION_COOKIE, Anyone, FormOfOurs, session_actor
from backend.jobs.runner import Job, JobContext, Outcome
from backend.nouns import Noun
from backend.pages import render
from backend.resources import Resources, Using, Writing
from backend.sessions import repository, service
from backend.sessions.assertion import read_assertion

STATE_COOKIE = "discloop_state"
NEXT_COOKIE = "discloop_next"
STATE_MINUTES = 10
OWN_PATH = re.compile(r"^/(?:[A-Za-z0-9_-][A-Za-z0-9_/.-]*)?$")

pages = APIRouter(include_in_schema=False)


@pages.get("/sign-in")
def show_sign_in(request: Request, resources: Using, next: str = "/", out: bool = False) -> Response:
    """One button: Label Studio knows the passwords."""
    if session_actor(request, resources) is not None:
        return RedirectResponse(_own_path(next), status_code=303)
    return render(request, "sessions/sign_in.html", None, next=_own_path(next), signed_out=out)


@pages.get("/auth/start")
def start(request: Request, resources: Using, next: str = "/") -> RedirectResponse:
    """Send the browser to the guard with a fresh state, which a cookie remembers."""
    settings = resources.settings
    if request.url.netloc != urlsplit(settings.public_url).netloc:
        # The cookie must be set under the address that the guard will send the browser back to.
        where = f"{settings.public_url}/auth/start?{urlencode({'next': _own_path(next)})}"
        return RedirectResponse(where, status_code=303)
    state = secrets.token_urlsafe(24)
    where = f"{settings.label_studio_public_url}/discloop/sign-in?{urlencode({'state': state})}"
    answer = RedirectResponse(where, status_code=303)
    for name, value in ((STATE_COOKIE, state), (NEXT_COOKIE, _own_path(next))):
        _set(answer, name, value, resources, timedelta(minutes=STATE_MINUTES), crosses=True)
    return answer


@pages.post("/auth/callback")
def callback(
    request: Request,
    resources: Using,
    session: Writing,
    assertion: Annotated[str, Form()],
    state: Annotated[str, Form()],
) -> RedirectResponse:
    """Take the guard's assertion; begin a session."""
    settings = resources.settings
    kept = request.cookies.get(STATE_COOKIE, "")
    checked = read_assertion(
        assertion,
        key=settings.assertion_key.get_secret_value().encode(),
        audience=settings.callback,
        state=kept if secrets.compare_digest(kept.encode(), state.encode()) else "",
        now=resources.clock(),
    )
    token = service.begin(session, checked, hours=settings.session_hours, clock=resources.clock)
    answer = RedirectResponse(_own_path(request.cookies.get(NEXT_COOKIE, "/")), status_code=303)
    _set(answer, SESSION_COOKIE, token, resources, timedelta(hours=settings.session_hours))
    for name in (STATE_COOKIE, NEXT_COOKIE):
        answer.delete_cookie(name, path="/auth")
    return answer


@pages.post("/auth/sign-out", dependencies=[FormOfOurs])
def sign_out(session: Writing, actor: Anyone, resources: Using) -> RedirectResponse:
    """End this browser's session, on the server too."""
    service.end(session, actor, clock=resources.clock)
    answer = RedirectResponse("/sign-in?out=1", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


def _own_path(path: str) -> str:
    """Only a path of ours is gone to after signing in."""
    return path if OWN_PATH.match(path) else "/"


def _set(
    answer: Response, name: str, value: str, resources: Resources, life: timedelta, crosses: bool = False
) -> None:
    # The guard's form comes from Label Studio's address. On another site the browser would keep a Lax
    # cookie back; `None` needs TLS, which a deployment over two sites has.
    https = resources.settings.https
    same_site: Literal["lax", "none"] = "none" if crosses and https else "lax"
    answer.set_cookie(
        name,
        value,
        max_age=int(life.total_seconds()),
        path="/auth" if crosses else "/",
        secure=https,
        httponly=True,
        samesite=same_site,
    )


def _forget_expired(context: JobContext) -> Outcome:
    with context.writing() as session:
        forgotten = repository.forget_expired(session, context.now)
    return Outcome(worked=False, note=f"{forgotten} ended" if forgotten else "")


NOUN = Noun(
    name="sessions",
    routers=(pages,),
    jobs=(Job(name="sessions", title="Forgetting expired sign-ins", every_s=600, run=_forget_expired),),
)
