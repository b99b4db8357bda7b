"""The home page and `/api/status`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.access import Anyone, Lead
from backend.adjudications import repository as adjudications
from backend.canary import service as canary
from backend.canary.schemas import CanaryOut
from backend.home import service
from backend.home.schemas import StageOut, StatusOut
from backend.nouns import Noun
from backend.pages import render
from backend.resources import Reading
from backend.worklists import repository as worklists
from domain.taxonomy import Role

api = APIRouter(prefix="/api/status", tags=["status"])
pages = APIRouter(include_in_schema=False)


@api.get("")
def status(request: Request, session: Reading, _actor: Lead) -> StatusOut:
    """Where the loop stands: counts a stage, and the background jobs."""
    found = service.stages(session, request.app.state.nouns)
    return StatusOut(
        canary=CanaryOut.model_validate(canary.state(session)),
        stages=[StageOut.model_validate(stage) for stage in found],
        jobs=service.job_states(session, request.app.state.runner.jobs),
    )


@pages.get("/")
def home(request: Request, session: Reading, actor: Anyone) -> HTMLResponse:
    """For readers and adjudicators their own work; for the others the loop."""
    nouns = request.app.state.nouns
    if actor.is_one_of(Role.READER, Role.ADJUDICATOR):
        # Nothing of the other reader, and no result, may be on this page.
        return render(
            request,
            "home/own.html",
            actor,
            progress=worklists.progress(session, actor.id),
            cases=adjudications.progress(session, actor.id),
            advice=service.advice(session, nouns, actor),
        )
    return render(
        request,
        "home/loop.html",
        actor,
        stages=service.stages(session, nouns),
        advice=service.advice(session, nouns, actor),
        jobs=service.job_states(session, request.app.state.runner.jobs),
    )


NOUN = Noun(name="home", routers=(api, pages))
