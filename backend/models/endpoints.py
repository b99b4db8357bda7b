"""Models over HTTP: `/api/models` and the page `/models`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Engineer, FormOfOurs, Lead
from backend.models import repository, service
from backend.models.schemas import ModelsOut
from backend.models.service import REPLICAS_JOB
from backend.nouns import Navigation, Noun, Stage
from backend.pages import render
from backend.resources import Reading, Using, Writing

api = APIRouter(prefix="/api/models", tags=["models"])
pages = APIRouter(prefix="/models", include_in_schema=False)


@api.get("")
def list_models(session: Reading, _actor: Lead) -> ModelsOut:
    """The active model, those before it, and what each ML backend serves."""
    return service.overview(session)


@api.post("/rollback")
def roll_back(session: Writing, actor: Engineer, resources: Using) -> ModelsOut:
    """Let the model before the active one serve again."""
    service.roll_back(session, by=actor, clock=resources.clock)
    return service.overview(session)


@pages.get("")
def show(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """The active model."""
    return render(
        request,
        "models/show.html",
        actor,
        models=service.overview(session),
        may_roll_back=actor.role in RUNS_THE_LOOP,
    )


@pages.post("/rollback", dependencies=[FormOfOurs])
def roll_back_by_form(session: Writing, actor: Engineer, resources: Using) -> RedirectResponse:
    """The page's button."""
    service.roll_back(session, by=actor, clock=resources.clock)
    return RedirectResponse("/models", status_code=303)


def _stages(session: Session) -> list[Stage]:
    held = repository.current(session)
    note = f"{held.version} serves" if held else "waiting for the ML backend"
    return [
        Stage(
            key="models",
            title="Promoted",
            order=90,
            done=held.number if held else 0,
            unit="generations",
            note=note,
            path="/models",
        )
    ]


NOUN = Noun(
    name="models",
    routers=(api, pages),
    navigation=Navigation("Model", "/models", SEES_THE_LOOP, order=90),
    jobs=(REPLICAS_JOB,),
    stages=_stages,
)
