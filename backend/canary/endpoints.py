"""The canary over HTTP: `/api/canary`; its alarm is on the home page and on `/audit`."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from backend.access import SEES_THE_LOOP, Actor, Engineer, FormOfOurs, Lead
from backend.canary import service
from backend.canary.schemas import CanaryOut
from backend.canary.tables import CanaryState
from backend.nouns import Advice, Noun
from backend.resources import Reading, Using, Writing

api = APIRouter(prefix="/api/canary", tags=["canary"])
pages = APIRouter(prefix="/canary", include_in_schema=False)


@api.get("", response_model=CanaryOut)
def show(session: Reading, _actor: Lead) -> CanaryState:
    """When it last probed, and whether it got in."""
    return service.state(session)


@api.post("/clear", response_model=CanaryOut)
def clear(session: Writing, actor: Engineer, resources: Using) -> CanaryState:
    """Let provisioning go on, the leak being closed."""
    return service.clear(session, by=actor, clock=resources.clock)


@pages.post("/clear", dependencies=[FormOfOurs])
def clear_by_form(session: Writing, actor: Engineer, resources: Using) -> RedirectResponse:
    """The same by a button."""
    service.clear(session, by=actor, clock=resources.clock)
    return RedirectResponse("/audit", status_code=303)


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in SEES_THE_LOOP or not service.stops_provisioning(session):
        return []
    text = "ALARM: a reader who is nobody opened somebody's task. No task is made until this is cleared."
    return [Advice(order=0, text=text, path="/audit", label="See what opened")]


NOUN = Noun(name="canary", routers=(api, pages), jobs=(service.JOB,), advice=_advice)
