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
from backend.studies.tables import StudyRecord, Unit
from backend.worklists.tables import Assignment
from domain.comparison import compare
from domain.consensus import Consensus
from domain.disagreements import Comparison
from domain.findings import Findings, Proposal
from domain.manifest import Study
from domain.taxonomy import Plane

TOGETHER = 500
"""Units read from the database in one go."""

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


def compared(session: Session, units: Sequence[str]) -> Iterator[tuple[str, Compared]]:
    """Compared sagittal units with everything said of them, by id: a few queries for hundreds of units."""
    for start in range(0, len(units), TOGETHER):
        yield from _together(session, units[start : start + TOGETHER])


def _together(session: Session, units: Sequence[str]) -> Iterator[tuple[str, Compared]]:
    of_these = col(ComparisonRecord.unit).in_(units)
    records = session.exec(select(ComparisonRecord).where(of_these).order_by(ComparisonRecord.unit)).all()
    labels = session.exec(select(ConsensusRecord).where(col(ConsensusRecord.unit).in_(units)))
    label = {row.unit: Consensus.model_validate_json(row.body) for row in labels}
    study, signed, proposals = _studies(session, units), _signed(session, units), _proposals(session, units)
    for record in records:
        said = signed[record.unit]
        first, second = said[record.first], said[record.second]
        read = study[record.unit]
        yield (
            record.unit,
            Compared(
                study=read,
                comparison=_of_first_revisions(read, record, first, second),
                first=first,
                second=second,
                repeats=tuple(one for one in said.values() if one.assignment.occasion > 1),
                proposal=_said_before(proposals.get(record.unit, ()), first, second),
                consensus=label.get(record.unit),
            ),
        )


def _of_first_revisions(study: Study, record: ComparisonRecord, first: Signed, second: Signed) -> Comparison:
    """The recorded comparison, made anew where it is of a correction."""
    if (record.first_revision, record.second_revision) == (first.revision, second.revision):
        return Comparison.model_validate_json(record.body)
    stack = next(series for series in study.series if series.plane is Plane.SAGITTAL)
    return compare(first.findings, second.findings, spacing=stack.spacing)


def _studies(session: Session, units: Sequence[str]) -> dict[str, Study]:
    """The studies, by unit."""
    statement = (
        select(Unit.id, StudyRecord.manifest)
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
        .where(col(Unit.id).in_(units))
    )
    return {unit: Study.model_validate_json(line) for unit, line in session.exec(statement)}


def _proposals(session: Session, units: Sequence[str]) -> dict[str, list[ProposalRecord]]:
    """What the models said, by unit, the oldest first."""
    statement = select(ProposalRecord).where(
        col(ProposalRecord.unit).in_(units), col(ProposalRecord.body).is_not(None)
    )
    found: dict[str, list[ProposalRecord]] = {}
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


def _signed(session: Session, units: Sequence[str]) -> dict[str, dict[str, Signed]]:
    """First signed revisions by unit and assignment.

    Two statements: joined, SQLite would walk every first revision for each unit.
    """
    asked = session.exec(
        select(Assignment).where(col(Assignment.unit).in_(units)).order_by(Assignment.key)
    ).all()
    columns = (Revision.task_key, Revision.findings, Revision.at, Revision.lead_time_s, Revision.id)
    firsts = (
        select(*columns)  # type: ignore[call-overload]
        .where(col(Revision.task_key).in_([one.key for one in asked]))
        .where(col(Revision.number) == 1, col(Revision.kind) == "reading")
    )
    first = {row.task_key: row for row in session.exec(firsts)}
    found: dict[str, dict[str, Signed]] = {}
    for one in asked:
        if row := first.get(one.key):
            minutes = None if row.lead_time_s is None else row.lead_time_s / 60
            findings = Findings.model_validate_json(row.findings or "")
            found.setdefault(one.unit, {})[one.key] = Signed(one, findings, row.at, minutes, row.id)
    return found
