"""The freeze over HTTP: `/api/freeze` and the page `/freeze`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from backend.access import SEES_THE_LOOP, Actor, FormOfOurs, Lead, allow
from backend.agreement import service as agreement
from backend.freezing import service
from backend.freezing.schemas import FreezeOut
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.resources import Reading, Using, Writing
from domain.taxonomy import Role

api = APIRouter(prefix="/api/freeze", tags=["freeze"])
pages = APIRouter(prefix="/freeze", include_in_schema=False)

FREEZES = frozenset({Role.LEAD, Role.ADMIN})
StudyLead = Annotated[Actor, Depends(allow(*FREEZES))]


@api.get("")
def show(session: Reading, _actor: Lead) -> FreezeOut:
    """Whether the study is frozen, and what is missing."""
    return service.state(session)


@pages.get("")
def page(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """What the freeze does, what is missing, and the button."""
    found = service.state(session)
    return render(request, "freezing/show.html", actor, found=found, may_freeze=actor.role in FREEZES)


@pages.post("", dependencies=[FormOfOurs])
def freeze(session: Writing, actor: StudyLead, resources: Using) -> RedirectResponse:
    """From now on readers may see results."""
    agreement.freeze(session, by=actor, clock=resources.clock)
    return RedirectResponse("/freeze", status_code=303)


NOUN = Noun(
    name="freeze",
    routers=(api, pages),
    navigation=Navigation("Freeze", "/freeze", SEES_THE_LOOP, order=65),
)
