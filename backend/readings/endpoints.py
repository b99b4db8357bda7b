"""The ledger over HTTP: `/api/readings` and the page `/readings`."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from backend.access import API, SEES_THE_LOOP, Actor, Lead
from backend.errors import Forbidden
from backend.nouns import Advice, Navigation, Noun, Stage
from backend.pages import render
from backend.readings import repository, service
from backend.readings.interpretation import RevisionState
from backend.readings.schemas import LedgerCheckOut, LedgerSummary, ReadingOut
from backend.readings.tables import Revision
from backend.resources import Reading
from backend.worklists import repository as worklists
from backend.worklists.tables import Assignment

api = APIRouter(prefix="/api/readings", tags=["readings"])
pages = APIRouter(prefix="/readings", include_in_schema=False)


@api.get("")
def list_readings(
    session: Reading,
    actor: Lead,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: RevisionState | None = None,
    content: bool = False,
) -> list[ReadingOut]:
    """Revisions by id, from `after` on. Content only with the API token: no page shows it before freeze."""
    if content and actor.id != API:
        raise Forbidden("the content of readings is given out with the API token only")
    rows = repository.page(session, after=after, state=state, limit=limit)
    return [_out(revision, assignment, content) for revision, assignment in rows]


@api.get("/summary")
def summarise(session: Reading, _actor: Lead) -> LedgerSummary:
    """The ledger in numbers."""
    states = repository.by_state(session)
    check = repository.last_check(session)
    return LedgerSummary(
        revisions=sum(states.values()),
        by_state=states,
        cursor=repository.cursor(session).last,
        last_check=None if check is None else LedgerCheckOut.model_validate(check, from_attributes=True),
        open_discrepancies=len(repository.discrepancies(session)),
    )


@pages.get("")
def show(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """The newest revisions, without content."""
    return render(
        request,
        "readings/list.html",
        actor,
        rows=repository.page(session, limit=200, newest=True),
        states=repository.by_state(session),
        check=repository.last_check(session),
        discrepancies=repository.discrepancies(session),
    )


def _out(revision: Revision, assignment: Assignment | None, content: bool) -> ReadingOut:
    metadata = (set(ReadingOut.model_fields) & set(Revision.model_fields)) - {"findings"}
    out = ReadingOut(**revision.model_dump(include=metadata), reader=revision.author)
    if assignment is not None:
        context = {name: getattr(assignment, name) for name in ("unit", "plane", "arm", "model")}
        out = out.model_copy(update=context)
    if not content:
        return out
    return out.model_copy(
        update={
            "shown": service.shown(assignment),
            "result": None if revision.body is None else json.loads(revision.body),
            "findings": None if revision.findings is None else json.loads(revision.findings),
        }
    )


def _stages(session: Session) -> list[Stage]:
    units, twice = worklists.count_units(session), worklists.twice_read(session)
    _planned, _ready, read = worklists.totals(session)
    note = f"{read} readings in the ledger"
    return [
        Stage(
            key="readings",
            title="Read twice, blind",
            order=40,
            done=twice,
            total=units,
            unit="units",
            note=note,
            path="/readings",
        )
    ]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role not in SEES_THE_LOOP:
        return []
    advice = []
    held = repository.by_state(session).get(RevisionState.QUARANTINED, 0)
    if held:
        text = f"{held} {'revision is' if held == 1 else 'revisions are'} in quarantine."
        advice.append(Advice(order=5, text=text, path="/readings", label="See why"))
    differing = len(repository.discrepancies(session))
    if differing:
        text = f"The ledger and Label Studio differ on {differing} annotations."
        advice.append(Advice(order=4, text=text, path="/readings", label="See which"))
    return advice


NOUN = Noun(
    name="readings",
    routers=(api, pages),
    navigation=Navigation("Readings", "/readings", SEES_THE_LOOP, order=40),
    stages=_stages,
    advice=_advice,
    interpreters={"reading": service.interpret_reading},
)
