"""Consensus over HTTP: `/api/consensus`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from backend.access import Lead
from backend.consensus import repository
from backend.consensus.schemas import ConsensusOut
from backend.nouns import Noun, Stage
from backend.resources import Reading
from backend.worklists import repository as worklists
from domain.consensus import Consensus, Provenance

api = APIRouter(prefix="/api/consensus", tags=["consensus"])


@api.get("")
def list_consensus(
    session: Reading,
    _actor: Lead,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[ConsensusOut]:
    """Labels by unit, from `after` on, with provenance and soft grades."""
    return [
        ConsensusOut(
            **record.model_dump(include=set(ConsensusOut.model_fields)),
            consensus=Consensus.model_validate_json(record.body),
        )
        for record in repository.page(session, after=after, limit=limit)
    ]


def _stages(session: Session) -> list[Stage]:
    counts = repository.counts(session)
    agreed, adjudicated = (counts.get(p, 0) for p in (Provenance.AGREED, Provenance.ADJUDICATED))
    note = f"{agreed} agreed, {adjudicated} adjudicated" if counts else "agreement, or a decision"
    return [
        Stage(
            key="consensus",
            title="Labelled",
            order=70,
            done=agreed + adjudicated,
            total=worklists.count_units(session),
            unit="units",
            note=note,
        )
    ]


NOUN = Noun(name="consensus", routers=(api,), stages=_stages)
