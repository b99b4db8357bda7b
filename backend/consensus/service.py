"""Keeping the label that follows from a comparison, or from an adjudicator's decision."""

from __future__ import annotations

from sqlmodel import Session

from backend.clock import Clock
from backend.comparisons import repository as comparisons
from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.studies.tables import Patient, StudyRecord, Unit
from backend.worklists.tables import Assignment
from domain.consensus import Consensus, Decision, agree, decide


def from_agreement(session: Session, record: ComparisonRecord, *, clock: Clock) -> ConsensusRecord:
    """The label of a unit on which the readers do not differ."""
    consensus = agree(*comparisons.two_readings(session, record))
    return _keep(session, record, consensus, adjudication=None, clock=clock)


def from_decision(
    session: Session, record: ComparisonRecord, decision: Decision, *, adjudication: str, clock: Clock
) -> ConsensusRecord:
    """The label of a unit that an adjudicator decided."""
    consensus = decide(*comparisons.two_readings(session, record), decision)
    return _keep(session, record, consensus, adjudication=adjudication, clock=clock)


def _keep(
    session: Session,
    record: ComparisonRecord,
    consensus: Consensus,
    *,
    adjudication: str | None,
    clock: Clock,
) -> ConsensusRecord:
    unit = session.get_one(Unit, record.unit)
    patient = session.get_one(Patient, session.get_one(StudyRecord, unit.study).patient)
    kept = ConsensusRecord(
        unit=unit.id,
        study=unit.study,
        patient=patient.id,
        split=patient.split,
        plane=unit.plane,
        arm=session.get_one(Assignment, record.first).arm,
        provenance=consensus.provenance,
        adjudication=adjudication,
        body=consensus.model_dump_json(),
        discs=len(consensus.discs),
        made_at=clock(),
    )
    session.add(kept)
    session.flush()
    return kept
