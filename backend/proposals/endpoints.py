"""Proposals over HTTP: `/api/proposals`."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Session

from backend.access import Lead
from backend.nouns import Noun, Stage
from backend.proposals import service
from backend.proposals.schemas import ProposalsProgress
from backend.proposals.service import PROPOSALS_JOB
from backend.resources import Reading

api = APIRouter(prefix="/api/proposals", tags=["proposals"])


@api.get("")
def show_progress(session: Reading, _actor: Lead) -> ProposalsProgress:
    """How far the proposals are."""
    return service.progress(session)


def _stages(session: Session) -> list[Stage]:
    now = service.progress(session)
    note = f"by {now.model}" if now.model else "waiting for the ML backend"
    if now.failed:
        note += f"; {now.failed} failed"
    return [
        Stage(
            key="proposals",
            title="Proposed",
            order=20,
            done=now.proposed,
            total=now.units,
            unit="units",
            note=note,
        )
    ]


NOUN = Noun(name="proposals", routers=(api,), jobs=(PROPOSALS_JOB,), stages=_stages)
