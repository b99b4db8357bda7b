"""Comparisons over HTTP: `/api/comparisons`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session, col, select

from backend.access import Lead
from backend.comparisons import repository
from backend.comparisons.schemas import ComparisonOut
from backend.comparisons.service import COMPARISONS_JOB
from backend.comparisons.tables import ComparisonRecord
from backend.nouns import Noun, Stage
from backend.resources import Reading
from domain.disagreements import Comparison

api = APIRouter(prefix="/api/comparisons", tags=["comparisons"])


@api.get("")
def list_comparisons(
    session: Reading,
    _actor: Lead,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[ComparisonOut]:
    """Comparisons by unit, from `after` on."""
    statement = select(ComparisonRecord).where(col(ComparisonRecord.unit) > after)
    rows = session.exec(statement.order_by(ComparisonRecord.unit).limit(limit))
    return [
        ComparisonOut(
            unit=row.unit,
            severity=row.severity,
            made_at=row.made_at,
            disagreements=list(Comparison.model_validate_json(row.body).disagreements),
        )
        for row in rows
    ]


def _stages(session: Session) -> list[Stage]:
    total, differing = repository.counts(session)
    note = f"{total - differing} agree, {differing} differ" if total else "when two readers are done"
    return [Stage(key="comparisons", title="Compared", order=50, done=total, unit="units", note=note)]


NOUN = Noun(name="comparisons", routers=(api,), jobs=(COMPARISONS_JOB,), stages=_stages)
