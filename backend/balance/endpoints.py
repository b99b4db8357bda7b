"""The balance over HTTP: `/api/balance` and the page `/data`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from backend.access import SEES_THE_LOOP, Lead
from backend.balance.schemas import BalanceOut
from backend.balance.service import balance
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.resources import Reading, Using
from backend.rounds.policy import policy_of

api = APIRouter(prefix="/api/balance", tags=["balance"])
pages = APIRouter(prefix="/data", include_in_schema=False)


@api.get("")
def show(session: Reading, _actor: Lead, resources: Using) -> BalanceOut:
    """Labels against quotas, and by site and scanner."""
    return balance(session, policy_of(resources.settings))


@pages.get("")
def page(request: Request, session: Reading, actor: Lead, resources: Using) -> HTMLResponse:
    """The same for people."""
    return render(
        request, "balance/show.html", actor, balance=balance(session, policy_of(resources.settings))
    )


NOUN = Noun(
    name="balance",
    routers=(api, pages),
    navigation=Navigation("Data", "/data", SEES_THE_LOOP, order=75),
)
