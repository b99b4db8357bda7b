"""What has been read twice, as rows that belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.corrections.tables import Correction
from backend.proposals.tables import ProposalRecord
from backend.readings.tables import OutboxCursor, Revision
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.tables import Assignment
from domain.comparison import compare
from domain.consensus import Consensus
from domain.disagreements import Comparison
from domain.findings import Findings, Proposal
from domain.manifest import Study
from domain.taxonomy import Plane

Stamp = tuple[str, int, int, int, int]
"""Changes with every new entry of the ledger, comparison, consensus and correction."""


Mark = tuple[int, ...]
"""Of a unit: its first revisions, how often it was reopened, and whether it has a consensus. The same mark is
the same figures."""


class Signed(NamedTuple):
    """A first signed revision and what it was asked for."""

    assignment: Assignment
    findings: Findings
    at: datetime
    minutes: float | None
    revision: int


class Compared(NamedTuple):
    """A sagittal unit that two readers have read."""

    study: Study
    comparison: Comparison
    first: Signed
    second: Signed
    repeats: tuple[Signed, ...]
    """Hidden repeats of either reader."""
    proposal: Proposal | None
    """What the model said before anybody read, shown or not."""
    consensus: Consensus | None


def stamp(session: Session) -> Stamp:
    """Where the ledger and what follows from it are."""
    cursor = session.get(OutboxCursor, 1) or OutboxCursor()
    comparisons = session.exec(select(func.count()).select_from(ComparisonRecord)).one()
    labels = session.exec(select(func.count()).select_from(ConsensusRecord)).one()
    corrections = session.exec(select(func.count()).select_from(Correction)).one()
    return cursor.epoch, cursor.last, comparisons, labels, corrections


def marks(session: Session) -> dict[str, Mark]:
    """Every sagittal unit that was compared, by id, with its mark."""
    units = session.exec(
        select(ComparisonRecord.unit)
        .join(Unit, col(Unit.id) == col(ComparisonRecord.unit))
        .where(Unit.plane == Plane.SAGITTAL)
        .order_by(ComparisonRecord.unit)
    ).all()
    revisions: dict[str, list[int]] = {}
    statement = (
        select(Assignment.unit, Revision.id)
        .join(Revision, col(Revision.task_key) == col(Assignment.key))
        .where(Assignment.plane == Plane.SAGITTAL, Revision.number == 1, Revision.kind == "reading")
    )
    for unit, revision in session.exec(statement.order_by(col(Revision.id))):
        revisions.setdefault(unit, []).append(revision or 0)
    labelled = set(session.exec(select(ConsensusRecord.unit)))
    reopened = Counter(session.exec(select(Correction.unit)))
    return {unit: (int(unit in labelled), reopened[unit], *revisions.get(unit, ())) for unit in units}


def compared(session: Session, unit_id: str) -> Compared:
    """One compared unit with everything said of it."""
    record = session.get_one(ComparisonRecord, unit_id)
    signed = {said.assignment.key: said for said in _signed(session, unit_id)}
    first, second = signed[record.first], signed[record.second]
    label = session.get(ConsensusRecord, unit_id)
    unit = session.get_one(Unit, unit_id)
    return Compared(
        study=studies.study(session, unit.study),
        comparison=_of_first_revisions(session, unit, record, first, second),
        first=first,
        second=second,
        repeats=tuple(said for said in signed.values() if said.assignment.occasion > 1),
        proposal=_said_before(_proposals(session, unit_id), first, second),
        consensus=Consensus.model_validate_json(label.body) if label else None,
    )


def _of_first_revisions(
    session: Session, unit: Unit, record: ComparisonRecord, first: Signed, second: Signed
) -> Comparison:
    """The recorded comparison, made anew where it is of a correction."""
    if (record.first_revision, record.second_revision) == (first.revision, second.revision):
        return Comparison.model_validate_json(record.body)
    return compare(first.findings, second.findings, spacing=studies.series(session, unit).spacing)


def _proposals(session: Session, unit: str) -> Sequence[ProposalRecord]:
    """What the models said of a unit, the oldest first."""
    statement = select(ProposalRecord).where(
        ProposalRecord.unit == unit, col(ProposalRecord.body).is_not(None)
    )
    return session.exec(statement.order_by(col(ProposalRecord.asked_at), col(ProposalRecord.id))).all()


def _said_before(rows: Sequence[ProposalRecord], first: Signed, second: Signed) -> Proposal | None:
    """The proposal recorded for the readers; unaided, the last one made before their tasks were.

    One made later may come from a model that learned from these readings.
    """
    shown = {said.assignment.proposal for said in (first, second)} - {None}
    asked = [row for row in rows if row.id in shown]
    prepared = [said.assignment.prepared_at for said in (first, second)]
    asked = asked or [row for row in rows if all(at is not None and row.asked_at <= at for at in prepared)]
    return Proposal.model_validate_json(asked[-1].body or "") if asked else None


def _signed(session: Session, unit: str) -> Iterator[Signed]:
    """A unit's first signed revisions."""
    statement = (
        select(Assignment, Revision)
        .join(Revision, col(Revision.task_key) == col(Assignment.key))
        .where(Assignment.unit == unit, Revision.number == 1, Revision.kind == "reading")
    )
    for assignment, row in session.exec(statement.order_by(Assignment.key)):
        minutes = None if row.lead_time_s is None else row.lead_time_s / 60
        findings = Findings.model_validate_json(row.findings or "")
        yield Signed(assignment, findings, row.at, minutes, row.id or 0)
