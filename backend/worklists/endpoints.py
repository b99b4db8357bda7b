"""Worklists over HTTP: `/api/worklists` and the page `/worklists`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Actor, Engineer, FormOfOurs, Lead
from backend.calibrations import repository as calibrations
from backend.nouns import Advice, Navigation, Noun, Stage
from backend.pages import render
from backend.resources import Reading, Using, Writing
from backend.worklists import repeats, repository, service
from backend.worklists.arms import DEFAULT_SHARES
from backend.worklists.provisioning import PROVISIONING_JOB
from backend.worklists.repeating import count_due
from backend.worklists.schemas import PlanRequest, PlanSummary, ReaderProgress

api = APIRouter(prefix="/api/worklists", tags=["worklists"])
pages = APIRouter(prefix="/worklists", include_in_schema=False)


@api.get("")
def list_progress(session: Reading, _actor: Lead) -> list[ReaderProgress]:
    """How far each reader is."""
    return repository.progress(session)


@api.post("/plan")
def plan(session: Writing, actor: Engineer, resources: Using, body: PlanRequest | None = None) -> PlanSummary:
    """Give studies to pairs of readers."""
    return service.plan(session, body or PlanRequest(), by=actor, clock=resources.clock)


@pages.get("")
def show(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """Progress per reader, and the plan by which lists grow."""
    return render(
        request,
        "worklists/list.html",
        actor,
        progress=repository.progress(session),
        unplanned=len(repository.unplanned_studies(session)),
        due=count_due(session, now=resources.clock()),
        shares={arm.value: share for arm, share in DEFAULT_SHARES.items()},
        batch=service.BATCH,
        repeats=repeats,
        readers=len(calibrations.qualified(session)),
        calibrated=calibrations.newest(session) is not None,
        may_plan=actor.role in RUNS_THE_LOOP,
    )


@pages.post("/plan", dependencies=[FormOfOurs])
def plan_by_form(session: Writing, actor: Engineer, resources: Using) -> RedirectResponse:
    """Plan every study that nobody was given."""
    service.plan(session, PlanRequest(), by=actor, clock=resources.clock)
    return RedirectResponse("/worklists", status_code=303)


def _stages(session: Session) -> list[Stage]:
    planned, ready, _read = repository.totals(session)
    note = "two readers a study, blind" if planned else "plan worklists for two readers"
    return [
        Stage(
            key="worklists",
            title="Given to readers",
            order=30,
            done=ready,
            total=planned,
            unit="tasks",
            note=note,
            path="/worklists",
        )
    ]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in RUNS_THE_LOOP:
        return []
    unplanned = len(repository.unplanned_studies(session))
    if not unplanned or len(calibrations.qualified(session)) < 2:
        return []
    text = f"{unplanned} {'study waits' if unplanned == 1 else 'studies wait'} for readers."
    return [Advice(order=30, text=text, path="/worklists", label="Plan worklists")]


NOUN = Noun(
    name="worklists",
    routers=(api, pages),
    navigation=Navigation("Worklists", "/worklists", SEES_THE_LOOP, order=30),
    jobs=(PROVISIONING_JOB,),
    stages=_stages,
    advice=_advice,
)
