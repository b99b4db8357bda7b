"""Ranking over HTTP: `/api/ranking` and the page `/ranking`."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Engineer, FormOfOurs, Lead
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.ranking import service
from backend.ranking.schemas import RankedPlanRequest, RankedPlanSummary, RankingOut
from backend.resources import Reading, Using, Writing
from backend.rounds.policy import policy_of

api = APIRouter(prefix="/api/ranking", tags=["ranking"])
pages = APIRouter(prefix="/ranking", include_in_schema=False)

Limit = Annotated[int, Query(ge=1, le=1000)]
Seed = Annotated[int | None, Query(ge=0, lt=2**31)]


@api.get("")
def show(
    session: Reading, _actor: Lead, resources: Using, limit: Limit = 20, seed: Seed = None
) -> RankingOut:
    """The next studies to read and why. The random share is drawn anew unless a seed is given."""
    drawn = secrets.randbelow(2**31) if seed is None else seed
    return service.next_studies(session, limit, policy=policy_of(resources.settings), seed=drawn)


@api.post("/plan")
def plan(
    session: Writing, actor: Engineer, resources: Using, body: RankedPlanRequest | None = None
) -> RankedPlanSummary:
    """Give the next studies to readers."""
    return service.plan_next(
        session,
        (body or RankedPlanRequest()).count,
        policy=policy_of(resources.settings),
        seed=secrets.randbelow(2**31),
        by=actor,
        clock=resources.clock,
    )


@pages.get("")
def page(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """Why these next."""
    seed = secrets.randbelow(2**31)
    return render(
        request,
        "ranking/list.html",
        actor,
        ranking=service.next_studies(session, 20, policy=policy_of(resources.settings), seed=seed),
        may_plan=actor.role in RUNS_THE_LOOP,
    )


@pages.post("/plan", dependencies=[FormOfOurs])
def plan_by_form(
    session: Writing, actor: Engineer, resources: Using, count: Annotated[int, Form(ge=1, le=1000)] = 20
) -> RedirectResponse:
    """The page's button."""
    service.plan_next(
        session,
        count,
        policy=policy_of(resources.settings),
        seed=secrets.randbelow(2**31),
        by=actor,
        clock=resources.clock,
    )
    return RedirectResponse("/worklists", status_code=303)


NOUN = Noun(
    name="ranking",
    routers=(api, pages),
    navigation=Navigation("Ranking", "/ranking", SEES_THE_LOOP, order=35),
)
