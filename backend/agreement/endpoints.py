"""Agreement over HTTP: `/api/agreement` and the page `/agreement`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse

from backend.access import SEES_THE_LOOP, Actor, Anyone, FormOfOurs, allow
from backend.agreement import service
from backend.agreement.tables import Freeze
from backend.errors import NotFound
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.resources import Reading, Using, Writing
from domain.agreement import AgreementReport
from domain.taxonomy import Arm, Role

api = APIRouter(prefix="/api/agreement", tags=["agreement"])
pages = APIRouter(prefix="/agreement", include_in_schema=False)

StudyLead = Annotated[Actor, Depends(allow(Role.LEAD, Role.ADMIN))]


@api.get("")
def show(session: Reading, actor: Anyone, arm: Arm | None = Arm.UNAIDED) -> AgreementReport:
    """The whole report: one arm's readings, discs matched by position."""
    service.check_entitled(session, actor)
    report = service.make_report(session, arm)
    if report is None:
        raise NotFound("no unit has been read twice yet")
    return report


@api.get("/readings.csv")
def list_readings(session: Reading, actor: Anyone) -> PlainTextResponse:
    """The table behind the report, for `discloop agreement`."""
    service.check_entitled(session, actor)
    return PlainTextResponse(service.as_csv(list(service.readings(session))), media_type="text/csv")


@pages.get("")
def page(request: Request, session: Reading, actor: Anyone, arm: str = Arm.UNAIDED.value) -> HTMLResponse:
    """First figures: linear kappa with its interval, and the 5x5 table."""
    service.check_entitled(session, actor)
    chosen = Arm(arm) if arm in set(Arm) else None
    return render(
        request,
        "agreement/show.html",
        actor,
        report=service.make_report(session, chosen),
        arm=chosen.value if chosen else "all",
        arms=[*(one.value for one in Arm), "all"],
        frozen=session.get(Freeze, 1),
        may_freeze=actor.role in (Role.LEAD, Role.ADMIN),
    )


@pages.post("/freeze", dependencies=[FormOfOurs])
def freeze(session: Writing, actor: StudyLead, resources: Using) -> RedirectResponse:
    """From now on readers may see results."""
    service.freeze(session, by=actor, clock=resources.clock)
    return RedirectResponse("/agreement", status_code=303)


NOUN = Noun(
    name="agreement",
    routers=(api, pages),
    navigation=Navigation("Agreement", "/agreement", SEES_THE_LOOP, order=60),
)
