"""What has been read twice, as rows that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.proposals.tables import ProposalRecord
from backend.readings.tables import OutboxCursor, Revision
from backend.studies.tables import StudyRecord, Unit
from backend.worklists.tables import Assignment
from domain.consensus import Consensus
from domain.disagreements import Comparison
from domain.findings import Findings, Proposal
from domain.manifest import Study
from domain.taxonomy import Plane

Stamp = tuple[str, int, int, int]
"""Changes with every new entry of the ledger, comparison and consensus."""


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
    return cursor.epoch, cursor.last, comparisons, labels


def compared(session: Session) -> Iterator[Compared]:
    """Every sagittal unit that was compared, by id."""
    # Comparisons first: what they were made of is in the ledger before them, whatever is added meanwhile.
    statement = (
        select(ComparisonRecord, StudyRecord)
        .join(Unit, col(Unit.id) == col(ComparisonRecord.unit))
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
        .where(Unit.plane == Plane.SAGITTAL)
    )
    records = session.exec(statement.order_by(ComparisonRecord.unit)).all()
    signed = _signed(session)
    again: dict[str, list[Signed]] = {}
    for one in signed.values():
        if one.assignment.occasion > 1:
            again.setdefault(one.assignment.unit, []).append(one)
    proposals = _proposals(session)
    labels = {row.unit: row.body for row in session.exec(select(ConsensusRecord))}
    for record, study in records:
        first, second = signed[record.first], signed[record.second]
        proposed = _said_before(proposals.get(record.unit, ()), first, second)
        label = labels.get(record.unit)
        yield Compared(
            study=Study.model_validate_json(study.manifest),
            comparison=Comparison.model_validate_json(record.body),
            first=first,
            second=second,
            repeats=tuple(again.get(record.unit, ())),
            proposal=proposed,
            consensus=Consensus.model_validate_json(label) if label else None,
        )


def _proposals(session: Session) -> dict[str, list[ProposalRecord]]:
    """What the models said of each unit, the oldest first."""
    found: dict[str, list[ProposalRecord]] = {}
    statement = select(ProposalRecord).where(col(ProposalRecord.body).is_not(None))
    for row in session.exec(statement.order_by(col(ProposalRecord.asked_at), col(ProposalRecord.id))):
        found.setdefault(row.unit, []).append(row)
    return found


def _said_before(rows: Sequence[ProposalRecord], first: Signed, second: Signed) -> Proposal | None:
    """The proposal recorded for the readers; unaided, the last one made before their tasks were.

    One made later may come from a model that learned from these readings.
    """
    shown = {said.assignment.proposal for said in (first, second)} - {None}
    asked = [row for row in rows if row.id in shown]
    prepared = [said.assignment.prepared_at for said in (first, second)]
    asked = asked or [row for row in rows if all(at is not None and row.asked_at <= at for at in prepared)]
    return Proposal.model_validate_json(asked[-1].body or "") if asked else None


def _signed(session: Session) -> dict[str, Signed]:
    """First signed sagittal revisions, by task key."""
    asked = session.exec(select(Assignment).where(Assignment.plane == Plane.SAGITTAL))
    assignments = {one.key: one for one in asked}
    statement = select(Revision).where(Revision.number == 1, Revision.kind == "reading")
    found = {}
    for row in session.exec(statement.execution_options(yield_per=500)):
        assignment = assignments.get(row.task_key or "")
        if assignment is not None and row.findings is not None:
            minutes = None if row.lead_time_s is None else row.lead_time_s / 60
            findings = Findings.model_validate_json(row.findings)
            found[assignment.key] = Signed(assignment, findings, row.at, minutes, row.id or 0)
    return found
