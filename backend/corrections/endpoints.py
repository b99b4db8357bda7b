"""Corrections over HTTP: `/api/corrections` and the page `/corrections`."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from backend.access import SEES_THE_LOOP, Actor, Lead
from backend.consensus.tables import ConsensusRecord
from backend.corrections import repository
from backend.corrections.schemas import CorrectionOut
from backend.corrections.service import CORRECTIONS_JOB
from backend.nouns import Advice, Noun
from backend.pages import render
from backend.resources import Reading

api = APIRouter(prefix="/api/corrections", tags=["corrections"])
pages = APIRouter(prefix="/corrections", include_in_schema=False)

SHOWN = 200


@api.get("")
def list_corrections(
    session: Reading,
    _actor: Lead,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[CorrectionOut]:
    """Corrections that reopened a unit, newest first. Who signed them is not in it."""
    return _page(session, before=before, limit=limit)


@pages.get("")
def show(request: Request, session: Reading, actor: Lead) -> HTMLResponse:
    """What was reopened, and whether it is labelled again."""
    return render(
        request, "corrections/list.html", actor, rows=_page(session, before=None, limit=SHOWN), shown=SHOWN
    )


def _page(session: Session, *, before: int | None, limit: int) -> list[CorrectionOut]:
    return [
        CorrectionOut(
            id=row.id or 0,
            unit=row.unit,
            corrected=row.corrected,
            corrected_at=row.corrected_at,
            reopened_at=row.reopened_at,
            took_back=None if row.label is None else json.loads(row.label)["provenance"],
            labelled=session.get(ConsensusRecord, row.unit) is not None,
        )
        for row in repository.page(session, before=before, limit=limit)
    ]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    left = repository.count_open(session) if actor.role in SEES_THE_LOOP else 0
    if not left:
        return []
    text = f"{left} {'unit was' if left == 1 else 'units were'} reopened by a late correction."
    return [Advice(order=15, text=text, path="/corrections", label="See which")]


NOUN = Noun(name="corrections", routers=(api, pages), jobs=(CORRECTIONS_JOB,), advice=_advice)
