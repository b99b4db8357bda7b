"""Adjudications over HTTP: `/api/adjudications` and the page `/adjudications`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import FileResponse, HTMLResponse
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, SEES_THE_LOOP, Actor, Lead, allow
from backend.adjudications import gallery, repository
from backend.adjudications.blank import BLANK_JOB, BLANK_SHARE
from backend.adjudications.outcomes import Outcomes, outcomes
from backend.adjudications.overturns import BlankReadings, blank_readings
from backend.adjudications.provisioning import ADJUDICATIONS_JOB, DECISIONS_JOB
from backend.adjudications.schemas import AdjudicationOut
from backend.adjudications.service import interpret_adjudication
from backend.adjudications.tables import Adjudication
from backend.corrections import repository as corrections
from backend.corrections.tables import Correction
from backend.errors import NotFound
from backend.nouns import Advice, Navigation, Noun, Stage
from backend.pages import render
from backend.people import repository as people
from backend.resources import Reading, Using
from domain.disagreements import Comparison
from domain.taxonomy import DisagreementKind, Role

api = APIRouter(prefix="/api/adjudications", tags=["adjudications"])
pages = APIRouter(prefix="/adjudications", include_in_schema=False)

SHOWN = 100
"""Units of a table on the page."""

SeesBoth = Annotated[Actor, Depends(allow(Role.ADJUDICATOR, *SEES_THE_LOOP))]
"""Whoever may see two readings beside each other."""


@api.get("")
def list_adjudications(
    session: Reading,
    _actor: Lead,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
) -> list[AdjudicationOut]:
    """Adjudications, undecided ones first, after `offset`. Who read the unit is not in it."""
    return _out(session, repository.queue(session, limit=limit, offset=offset))


@pages.get("")
def show(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """What waits for a decision."""
    given, done = repository.counts(session)
    return render(
        request,
        "adjudications/list.html",
        actor,
        waiting=_out(session, repository.queue(session, decided=False, limit=SHOWN)),
        decided=_out(session, repository.queue(session, decided=True, limit=SHOWN)),
        left=given - done,
        done=done,
        shown=SHOWN,
        unassigned=repository.count_waiting(session),
        adjudicators=len(people.active_with_role(session, Role.ADJUDICATOR)),
        may_add=actor.role in RUNS_THE_LOOP,
    )


@api.get("/blank")
def show_blank(session: Reading, _actor: Lead) -> BlankReadings:
    """How often an adjudicator who knows neither reading says otherwise than two readers who agree."""
    return blank_readings(session)


@pages.get("/blank")
def show_blank_page(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """The error that two agreeing readers share."""
    return render(
        request, "adjudications/blank.html", actor, found=blank_readings(session), share=BLANK_SHARE
    )


@api.get("/outcomes")
def show_outcomes(session: Reading, _actor: Lead) -> Outcomes:
    """How often a decision takes one reader's grade, and how often neither's."""
    return outcomes(session)


@pages.get("/outcomes")
def show_outcomes_page(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """One reader's grade, or both wrong."""
    return render(request, "adjudications/outcomes.html", actor, found=outcomes(session))


@pages.get("/gallery")
def show_gallery(
    request: Request,
    session: Reading,
    actor: SeesBoth,
    kind: DisagreementKind | None = None,
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> HTMLResponse:
    """Both readings of what differs, side by side; an adjudicator sees their own units alone."""
    own = actor.id if actor.role is Role.ADJUDICATOR else None
    total = repository.count_queue(session, adjudicator=own, kind=kind)
    first = (number - 1) * gallery.PAGE
    shown = repository.queue(
        session, adjudicator=own, kind=kind, gravest_first=True, limit=gallery.PAGE, offset=first
    )
    return render(
        request,
        "adjudications/gallery.html",
        actor,
        cases=[gallery.case(session, *one) for one in shown],
        reopened=corrections.newest(session),
        total=total,
        kind=kind,
        kinds=list(DisagreementKind),
        number=number,
        pages=max(1, -(-total // gallery.PAGE)),
        names_units=own is None,
    )


@pages.get("/slices/{key}/{number}")
def show_slice(
    session: Reading,
    resources: Using,
    actor: SeesBoth,
    key: Annotated[str, Path(max_length=40)],
    number: Annotated[int, Path(ge=0, lt=10_000)],
) -> FileResponse:
    """A slice of a unit that was given to an adjudicator. The address says nothing of the patient."""
    row = session.get(Adjudication, key)
    if row is None or (actor.role is Role.ADJUDICATOR and row.adjudicator != actor.id):
        raise NotFound("no such slice")
    path = gallery.slice_file(session, resources.settings.store, row, number)
    return FileResponse(path, media_type="image/png")


def _out(session: Session, queue: Sequence[repository.Queued]) -> list[AdjudicationOut]:
    reopened = corrections.newest(session)
    return [
        AdjudicationOut(
            **adjudication.model_dump(include=set(AdjudicationOut.model_fields)),
            name=person.name,
            project_number=project.label_studio_id,
            kinds=sorted({d.kind for d in Comparison.model_validate_json(record.body).disagreements}),
            **_reopened(reopened.get(adjudication.unit)),
        )
        for adjudication, person, project, record in queue
    ]


def _reopened(one: Correction | None) -> dict[str, Any]:
    if one is None:
        return {"reopened_by": None, "corrected_at": None}
    return {"reopened_by": one.corrected, "corrected_at": one.corrected_at}


def _stages(session: Session) -> list[Stage]:
    given, done = repository.counts(session)
    left = repository.count_waiting(session)
    note = f"{left} wait for an adjudicator" if left else "a third reader decides what differs"
    return [
        Stage(
            key="adjudications",
            title="Adjudicated",
            order=60,
            done=done,
            total=given + left,
            unit="units",
            note=note,
            path="/adjudications",
        )
    ]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if actor.role is Role.ADJUDICATOR:
        _given, ready, done = repository.of_adjudicator(session, actor.id)
        if ready > done:
            text = f"{ready - done} of your units wait for a decision."
            return [Advice(order=1, text=text, path="/adjudications/gallery", label="Look at them")]
        return []
    left = repository.count_waiting(session)
    if actor.role not in RUNS_THE_LOOP or not left:
        return []
    text = f"{left} {'unit differs' if left == 1 else 'units differ'} and no adjudicator may take "
    text += "it." if left == 1 else "them."
    return [Advice(order=20, text=text, path="/people", label="Add an adjudicator")]


NOUN = Noun(
    name="adjudications",
    routers=(api, pages),
    navigation=Navigation("Adjudication", "/adjudications", SEES_THE_LOOP, order=50),
    jobs=(ADJUDICATIONS_JOB, DECISIONS_JOB, BLANK_JOB),
    stages=_stages,
    advice=_advice,
    interpreters={"adjudication": interpret_adjudication},
)
