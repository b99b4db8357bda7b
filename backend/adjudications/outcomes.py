"""How decisions fell on the grades that two readers gave differently: with one of them, or with neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pydantic import BaseModel
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from backend.adjudications.tables import Adjudication
from backend.comparisons.tables import ComparisonRecord
from backend.readings.tables import Revision
from domain.consensus import Decision
from domain.disagreements import Comparison, Disagreement
from domain.findings import Findings
from domain.matching import match_discs
from domain.taxonomy import DisagreementKind, Reason


class Outcomes(BaseModel):
    """Disputed grades of decided units, counted by disc."""

    grades: int
    one_reader: int
    """The grade that one of the two gave."""
    both_wrong: int
    """A grade that neither gave."""
    no_grade: int
    """Not gradable, or no disc there."""
    reasons: dict[Reason, int]


def outcomes(session: Session) -> Outcomes:
    """Compare every decision with what the two readers had said."""
    fell, reasons = Counter[str](), Counter[Reason]()
    for comparison, reading, decision in _decided(session):
        final = decision.findings
        twins = {p.first: p.second for p in match_discs(reading.discs, final.discs, reading.plane)}
        places = {pair.position: pair.first for pair in comparison.discs}
        for one in comparison.disagreements:
            if one.kind is not DisagreementKind.GRADE:
                continue
            place = twins.get(places.get(one.position or 0))
            fell[_fell(one, None if place is None else final.discs[place].pfirrmann)] += 1
            reason = decision.unit if place is None else decision.discs.get(place, decision.unit)
            reasons.update([reason] if reason else [])
    return Outcomes(
        grades=fell.total(),
        one_reader=fell["one reader"],
        both_wrong=fell["both wrong"],
        no_grade=fell["no grade"],
        reasons=dict(reasons.most_common()),
    )


def _fell(disputed: Disagreement, grade: int | None) -> str:
    if grade is None:
        return "no grade"
    return "one reader" if str(grade) in (disputed.first, disputed.second) else "both wrong"


def _decided(session: Session) -> Iterator[tuple[Comparison, Findings, Decision]]:
    """Comparison, its first reading and the decision of every decided unit with a disputed grade."""
    first, decision = aliased(Revision), aliased(Revision)
    statement = (
        select(ComparisonRecord.body, first.findings, decision.findings)
        .join(Adjudication, col(Adjudication.unit) == col(ComparisonRecord.unit))
        .join(first, col(first.id) == col(ComparisonRecord.first_revision))
        .join(decision, col(decision.id) == col(Adjudication.decision))
        .where(col(ComparisonRecord.body).contains(f'"kind":"{DisagreementKind.GRADE.value}"'))
        .order_by(ComparisonRecord.unit)
    )
    for body, said, decided in session.exec(statement):
        yield (
            Comparison.model_validate_json(body),
            Findings.model_validate_json(said or ""),
            Decision.model_validate_json(decided or ""),
        )
