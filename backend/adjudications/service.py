"""Giving what differs to adjudicators, and turning their decisions into consensus."""

from __future__ import annotations

import json
import secrets
from collections import Counter

from sqlmodel import Session

from backend.adjudications import repository
from backend.adjudications.differences import table
from backend.adjudications.tables import Adjudication
from backend.audit import service as audit
from backend.clock import Clock
from backend.comparisons import repository as comparisons
from backend.comparisons.tables import ComparisonRecord
from backend.consensus import service as consensus
from backend.corrections import repository as corrections
from backend.jobs.runner import JobContext, Outcome
from backend.outside.guard import Entry
from backend.pages import moment
from backend.projects.service import project_key
from backend.projects.tables import ProjectKind
from backend.readings.interpretation import Interpretation, RevisionState
from backend.readings.service import quarantined
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.service import KEY_BYTES
from domain.consensus import Decision, RejectedFinding
from domain.disagreements import Subject
from domain.merging import prefill
from labeling_configs.codec import (
    InvalidReading,
    Kind,
    SliceSize,
    decode_adjudication,
    encode_findings,
    encode_locked,
)

BATCH = 20
"""Units given out at once: the gravest first, in random order among themselves."""


def give_out(context: JobContext) -> int:
    """Give one batch of what differs to adjudicators; how many units found one."""
    with context.reading() as session:
        waiting = repository.waiting(session, BATCH)
    if not waiting:
        return 0
    draw = secrets.SystemRandom()
    with context.writing() as session:
        load = repository.load(session)
        batch = list(repository.waiting(session, BATCH))
        draw.shuffle(batch)
        return sum(_give(session, record, load, draw, context.resources.clock) for record in batch)


def _give(
    session: Session, record: ComparisonRecord, load: Counter[str], draw: secrets.SystemRandom, clock: Clock
) -> bool:
    unit = session.get_one(Unit, record.unit)
    people = repository.adjudicators_for(session, unit)
    if not people:
        return False
    adjudicator = min(people, key=lambda person: (load[person], person))
    load[adjudicator] += 1
    swapped = draw.random() < 0.5
    project = project_key(ProjectKind.ADJUDICATION, adjudicator, unit.plane)
    shown, differences = _page(session, record, unit, swapped=swapped)
    session.add(
        Adjudication(
            key=secrets.token_urlsafe(KEY_BYTES),
            unit=unit.id,
            plane=unit.plane,
            adjudicator=adjudicator,
            project=project,
            position=repository.last_position(session, project) + 1,
            reader_1=record.second if swapped else record.first,
            reader_2=record.first if swapped else record.second,
            severity=record.severity,
            shown=shown,
            differences=differences,
            given_at=clock(),
        )
    )
    session.flush()
    audit.record(session, "adjudication.given", subject=unit.id, by=None, clock=clock, to=adjudicator)
    return True


def _page(session: Session, record: ComparisonRecord, unit: Unit, *, swapped: bool) -> tuple[str, str]:
    """What the adjudicator is shown: the prediction's result as JSON, and the table of differences."""
    first, second, comparison = comparisons.two_readings(session, record)
    reader_1, reader_2 = (second, first) if swapped else (first, second)
    slices = [SliceSize(one.width, one.height) for one in studies.series(session, unit).slices]
    start = prefill(first, second, comparison)
    asked = {(Kind(subject.value), place) for subject, place in start.asked}
    result = [
        *encode_locked(reader_1, reader=1, slices=slices),
        *encode_locked(reader_2, reader=2, slices=slices),
        *encode_findings(start.findings, slices=slices, asked=asked),
    ]
    shown = json.dumps(result, sort_keys=True, separators=(",", ":"))
    return shown, table(reader_1, reader_2, comparison, swapped=swapped)


def interpret_adjudication(session: Session, entry: Entry) -> Interpretation:
    """The interpreter of adjudication projects: the final findings with their reasons, as a decision."""
    adjudication = session.get(Adjudication, entry.task_key) if entry.task_key else None
    if adjudication is None:
        return quarantined(_why_none(session, entry.task_key))
    if adjudication.project != entry.project_key:
        return quarantined("the adjudication belongs to another project")
    series = studies.series(session, session.get_one(Unit, adjudication.unit))
    sizes = [SliceSize(one.width, one.height) for one in series.slices]
    try:
        said = decode_adjudication(entry.result or [], plane=adjudication.plane, slices=sizes)
    except InvalidReading as error:
        return quarantined(str(error))
    decision = Decision(
        findings=said.findings,
        discs=said.discs,
        herniations=said.herniations,
        hiz=said.hiz,
        unit=said.unit,
        rejected=tuple(
            RejectedFinding(subject=Subject(one.kind.value), boxes=one.boxes, reason=one.reason)
            for one in said.rejected
        ),
    )
    return Interpretation(RevisionState.SIGNED, findings=decision.model_dump_json())


def _why_none(session: Session, key: str | None) -> str:
    taken = corrections.took_back(session, key) if key else None
    if taken is None:
        return "no adjudication has this task key"
    return f"a reader's correction of {moment(taken.corrected_at)} had opened the unit again"


def conclude(context: JobContext) -> Outcome:
    """The job: every signed decision becomes its unit's consensus, in one transaction each batch."""
    with context.reading() as session:
        waiting = bool(repository.decided(session, 1))
    made = 0
    if waiting:
        with context.writing() as session:
            for adjudication, revision in repository.decided(session, BATCH):
                record = session.get_one(ComparisonRecord, adjudication.unit)
                decision = Decision.model_validate_json(revision.findings or "")
                consensus.from_decision(
                    session,
                    record,
                    decision,
                    adjudication=adjudication.key,
                    clock=context.resources.clock,
                )
                adjudication.decision, adjudication.decided_at = revision.id, revision.at
                made += 1
    with context.reading() as session:
        given, done = repository.counts(session)
    return Outcome(worked=made > 0, note=f"{done} of {given} decided")
