"""Agreement over HTTP: `/api/agreement` and the page `/agreement`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse

from backend.access import SEES_THE_LOOP, Actor, Anyone
from backend.agreement import drawings, service
from backend.agreement.discs import ANSWERS, headline, in_cell
from backend.agreement.places import Where
from backend.agreement.places import as_csv as as_table
from backend.agreement.rows import as_csv
from backend.agreement.tables import Freeze
from backend.errors import NotFound
from backend.nouns import Navigation, Noun
from backend.pages import render
from backend.people.tables import Person
from backend.resources import Reading, Using
from domain.agreement import AgreementReport
from domain.agreement.page import page as standalone
from domain.taxonomy import Arm, Role

api = APIRouter(prefix="/api/agreement", tags=["agreement"])
pages = APIRouter(prefix="/agreement", include_in_schema=False)

ALL_ARMS = "all"
PAGE = 24
"""Discs on a page."""
NOTHING_YET = "no unit has been read twice yet"

ArmName = Literal["unaided", "boxes", "full", "all"]
Answer = Literal["1", "2", "3", "4", "5", "not-gradable", "missing"]
Key = Annotated[int, Path(ge=0, lt=2**31)]


def _entitled(session: Reading, actor: Anyone) -> Actor:
    service.check_entitled(session, actor)
    return actor


Entitled = Annotated[Actor, Depends(_entitled)]


@api.get("")
def show(
    session: Reading,
    resources: Using,
    _actor: Entitled,
    arm: ArmName = "unaided",
    resample_readers: bool = False,
) -> AgreementReport:
    """The whole report: one arm's readings, discs matched by position; for readers like these, on request."""
    report = service.make_report(session, resources.database, arm, resample_readers=resample_readers)
    if report is None:
        raise NotFound(NOTHING_YET)
    return report


@api.get("/where")
def show_places(session: Reading, resources: Using, _actor: Entitled, arm: ArmName = "unaided") -> Where:
    """Overlap and distance of boxes that both readers drew; lesions slice by slice."""
    found = service.locate(session, resources.database, arm)
    if found is None:
        raise NotFound(NOTHING_YET)
    return found


@api.get("/where.csv")
def list_places(
    session: Reading, resources: Using, actor: Entitled, arm: ArmName = "unaided"
) -> PlainTextResponse:
    """The same as a table."""
    text = as_table(show_places(session, resources, actor, arm))
    return PlainTextResponse(text, media_type="text/csv", headers=_saved_as(f"agreement-where-{arm}.csv"))


@api.get("/readings.csv")
def list_readings(session: Reading, resources: Using, _actor: Entitled) -> PlainTextResponse:
    """The table behind the report, for `discloop agreement`."""
    text = as_csv(service.figures(session, resources.database).rows)
    return PlainTextResponse(text, media_type="text/csv", headers=_saved_as("agreement-readings.csv"))


@pages.get("/report.html")
def download(
    session: Reading,
    resources: Using,
    _actor: Entitled,
    arm: ArmName = "unaided",
    resample_readers: bool = False,
) -> HTMLResponse:
    """The report as one file that needs nothing else."""
    report = service.make_report(session, resources.database, arm, resample_readers=resample_readers)
    if report is None:
        raise NotFound(NOTHING_YET)
    return HTMLResponse(standalone(report, title=f"arm {arm}"), headers=_saved_as(f"agreement-{arm}.html"))


def _saved_as(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


@pages.get("")
def page(
    request: Request, session: Reading, resources: Using, actor: Entitled, arm: ArmName = "unaided"
) -> HTMLResponse:
    """Overview, table, profiles, trend."""
    report = service.make_report(session, resources.database, arm)
    readers = [] if report is None else [r.reader for r in report.readers]
    return render(
        request,
        "agreement/show.html",
        actor,
        report=report,
        where=service.locate(session, resources.database, arm),
        draw=drawings,
        arm=arm,
        arms=[*(one.value for one in Arm), ALL_ARMS],
        names={reader: _name(session, reader) for reader in readers},
        frozen=session.get(Freeze, 1),
        may_plan=actor.role in (Role.ENGINEER, Role.ADMIN),
    )


@pages.get("/discs")
def list_discs(
    request: Request,
    session: Reading,
    resources: Using,
    actor: Entitled,
    row: Answer,
    column: Answer,
    arm: ArmName = "unaided",
    one: Annotated[str, Query(max_length=12)] = "",
    other: Annotated[str, Query(max_length=12)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """The discs behind one cell of the table, each on its slice."""
    known = headline(service.figures(session, resources.database).discs, arm)
    found = in_cell(known, (row, column), (one, other) if one or other else None)
    shown = found[(number - 1) * PAGE : number * PAGE]
    readers = {side.reader for disc in shown for side in disc.sides}
    query = {"arm": arm, "row": row, "column": column} | ({"one": one, "other": other} if one else {})
    return render(
        request,
        "agreement/discs.html",
        actor,
        discs=[(disc, drawings.thumbnail(disc)) for disc in shown],
        total=len(found),
        row=row,
        column=column,
        arm=arm,
        names={reader: _name(session, reader) for reader in readers},
        query=query,
        number=number,
        pages=max(1, -(-len(found) // PAGE)),
    )


def _name(session: Reading, reader: str) -> str:
    person = session.get(Person, reader)
    return person.name if person else reader


@pages.get("/slices/{revision}/{number}")
def show_slice(
    session: Reading, resources: Using, _actor: Entitled, revision: Key, number: Key
) -> FileResponse:
    """A slice of a compared unit. The address says nothing of the patient."""
    path = service.slice_file(session, resources.settings.store, revision, number)
    return FileResponse(path, media_type="image/png")


assert set(Answer.__args__) == set(ANSWERS)  # type: ignore[attr-defined]

NOUN = Noun(
    name="agreement",
    routers=(api, pages),
    navigation=Navigation("Agreement", "/agreement", SEES_THE_LOOP, order=60),
)
