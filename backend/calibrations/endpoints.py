"""Calibration over HTTP: `/api/calibration`, the page `/calibration`, and each reader's own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from backend.access import SEES_THE_LOOP, Actor, Engineer, FormOfOurs, Lead, allow
from backend.calibrations import repository, rule, service
from backend.calibrations.provisioning import CALIBRATION_JOB
from backend.calibrations.results import results
from backend.calibrations.schemas import CalibrationOut, Key, SetOut
from backend.nouns import Advice, Noun
from backend.pages import render
from backend.resources import Reading, Using, Writing
from domain.taxonomy import Role

api = APIRouter(prefix="/api/calibration", tags=["calibration"])
pages = APIRouter(prefix="/calibration", include_in_schema=False)

Reader = Annotated[Actor, Depends(allow(Role.READER))]


@api.get("")
def show_standing(session: Reading, _actor: Lead) -> CalibrationOut:
    """The newest set, without its key, and how every active reader stands."""
    return service.standing(session)


@api.post("", status_code=201)
def lay_down(key: Key, session: Writing, actor: Engineer, resources: Using) -> SetOut:
    """Lay a key down: from now on a reader passes it before units are put on their list."""
    return service.lay_down(session, key, by=actor, clock=resources.clock)


@pages.get("")
def show(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """Who has passed."""
    return render(request, "calibrations/list.html", actor, standing=service.standing(session), rule=rule)


@pages.get("/own")
def show_own(request: Request, session: Reading, actor: Reader) -> HTMLResponse:
    """A reader's own attempts; what they said beside the key, once an attempt is finished."""
    return render(request, "calibrations/own.html", actor, attempts=results(session, actor.id), rule=rule)


@pages.post("/retry", dependencies=[FormOfOurs])
def retry(session: Writing, actor: Reader, resources: Using) -> RedirectResponse:
    """Another attempt."""
    service.retry(session, actor, clock=resources.clock)
    return RedirectResponse("/calibration/own", status_code=303)


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role is Role.READER:
        return _own_advice(session, actor)
    if actor.role not in SEES_THE_LOOP or repository.newest(session) is None:
        return []
    waiting = sum(not one.passed for one in service.standing(session).readers)
    if not waiting:
        return []
    text = f"{waiting} {'reader has' if waiting == 1 else 'readers have'} not passed the calibration yet."
    return [Advice(order=25, text=text, path="/calibration", label="See who")]


def _own_advice(session: Session, actor: Actor) -> list[Advice]:
    attempts = repository.attempts(session, actor.id)
    if not attempts or any(one.passed for one in attempts):
        return []
    text = "Calibration comes first: units are put on your list once you have passed it."
    if attempts[-1].finished_at is not None:
        text = (
            "Your calibration is finished and not passed. See the key and its explanations, then try again."
        )
    return [Advice(order=1, text=text, path="/calibration/own", label="Your calibration")]


NOUN = Noun(
    name="calibrations",
    routers=(api, pages),
    jobs=(CALIBRATION_JOB,),
    advice=_advice,
    interpreters={repository.KIND: service.interpret_calibration},
)
