"""Laying a key down, giving attempts, and saying what came of them."""

from __future__ import annotations

import secrets

from sqlmodel import Session, col, select

from backend.access import Actor
from backend.audit import service as audit
from backend.calibrations import repository
from backend.calibrations.repository import Case
from backend.calibrations.rule import Disc, Score, score
from backend.calibrations.schemas import AttemptOut, CalibrationOut, Key, ReaderOut, SetOut
from backend.calibrations.tables import (
    CalibrationAttempt,
    CalibrationDisc,
    CalibrationSet,
    CalibrationTask,
)
from backend.clock import Clock
from backend.errors import Conflict, Invalid
from backend.outside.guard import Entry
from backend.people import repository as people
from backend.people.tables import Person
from backend.projects import service as projects
from backend.projects.tables import ProjectKind
from backend.readings.interpretation import Interpretation, RevisionState
from backend.readings.service import quarantined
from backend.studies import repository as studies
from backend.studies.tables import StudyRecord, Unit
from backend.worklists.service import KEY_BYTES
from backend.worklists.tables import Assignment
from domain.findings import Findings
from domain.taxonomy import Plane, Role
from labeling_configs.codec import InvalidReading, SliceSize, decode


def lay_down(session: Session, key: Key, *, by: Actor, clock: Clock) -> SetOut:
    """Take a key as the set that attempts begin on from now; its patients are in no plan any more.

    Raises:
        Invalid: If a study is unknown or has no sagittal unit.
        Conflict: If a patient was given out for reading already.
    """
    for study in sorted({disc.study for disc in key.discs}):
        _demand_own_patient(session, study)
    laid = CalibrationSet(laid_at=clock(), laid_by=by.id)
    session.add(laid)
    session.flush()
    assert laid.id is not None
    session.add_all(CalibrationDisc(calibration=laid.id, **disc.model_dump()) for disc in key.discs)
    session.flush()
    out = _set_out(session, laid)
    audit.record(
        session,
        "calibration.laid",
        subject=str(laid.id),
        by=by,
        clock=clock,
        cases=out.cases,
        discs=out.discs,
    )
    return out


def _demand_own_patient(session: Session, study: str) -> None:
    row = session.get(StudyRecord, study)
    if row is None or session.get(Unit, studies.unit_id(study, Plane.SAGITTAL)) is None:
        raise Invalid(f"study: {study} is not there, or has no sagittal unit")
    given = (
        select(Assignment.key)
        .join(Unit, col(Unit.id) == col(Assignment.unit))
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
        .where(StudyRecord.patient == row.patient)
    )
    if session.exec(given.limit(1)).first() is not None:
        raise Conflict(f"study: the patient of {study} was given out for reading; calibration has its own")


def give_due(session: Session, *, clock: Clock) -> int:
    """Give every active reader who has not passed an attempt at the newest set; how many got one."""
    newest, qualified = repository.newest(session), set(repository.qualified(session))
    if newest is None:
        return 0
    made = 0
    for reader in people.active_with_role(session, Role.READER):
        before = repository.attempts(session, reader.id)
        is_busy = any(one.finished_at is None or one.calibration == newest.id for one in before)
        if reader.id not in qualified and not is_busy:
            _give(session, newest, reader, number=len(before) + 1, clock=clock)
            made += 1
    return made


def retry(session: Session, reader: Actor, *, clock: Clock) -> None:
    """Give a reader another attempt, at the newest set; those before it stay as they are.

    Raises:
        Conflict: If they have passed, or have an attempt to finish first.
    """
    newest, before = repository.newest(session), repository.attempts(session, reader.id)
    if newest is None or not before or any(one.passed or one.finished_at is None for one in before):
        raise Conflict("there is nothing to try again: no attempt of yours has been finished and not passed")
    person = session.get_one(Person, reader.id)
    _give(session, newest, person, number=len(before) + 1, clock=clock)


def _give(session: Session, newest: CalibrationSet, reader: Person, *, number: int, clock: Clock) -> None:
    assert newest.id is not None
    project = projects.ensure_project(session, ProjectKind.CALIBRATION, reader.id, Plane.SAGITTAL)
    attempt = CalibrationAttempt(calibration=newest.id, reader=reader.id, number=number, given_at=clock())
    session.add(attempt)
    session.flush()
    cases = sorted({disc.study for disc in repository.key_of(session, newest.id)})
    # Another order each time: the second attempt is not to be the first by heart.
    secrets.SystemRandom().shuffle(cases)
    session.add_all(
        CalibrationTask(
            key=secrets.token_urlsafe(KEY_BYTES),
            attempt=attempt.id or 0,
            unit=studies.unit_id(study, Plane.SAGITTAL),
            project=project.key,
            position=position,
        )
        for position, study in enumerate(cases, start=1)
    )
    session.flush()
    audit.record(session, "calibration.given", subject=reader.id, by=None, clock=clock, attempt=number)


def interpret_calibration(session: Session, entry: Entry) -> Interpretation:
    """The interpreter of calibration projects: a reading like any other, of a case of theirs."""
    task = session.get(CalibrationTask, entry.task_key) if entry.task_key else None
    if task is None or task.project != entry.project_key:
        return quarantined("no calibration case of this project has this task key")
    series = studies.series(session, session.get_one(Unit, task.unit))
    sizes = [SliceSize(one.width, one.height) for one in series.slices]
    try:
        findings = decode(entry.result or [], plane=Plane.SAGITTAL, slices=sizes)
    except InvalidReading as error:
        return quarantined(str(error))
    return Interpretation(RevisionState.SIGNED, findings=findings.model_dump_json())


def finish(session: Session, *, clock: Clock) -> int:
    """Score every attempt whose last case is signed; how many."""
    made = 0
    for attempt in repository.unfinished(session):
        cases = repository.cases(session, attempt.id or 0)
        if not all(case.signed for case in cases):
            continue
        found = _score(session, attempt, cases)
        attempt.discs, attempt.exact, attempt.within_one = found.discs, found.exact, found.within_one
        attempt.kappa_linear, attempt.passed = found.kappa_linear, found.passed
        attempt.finished_at = clock()
        audit.record(
            session,
            "calibration.finished",
            subject=attempt.reader,
            by=None,
            clock=clock,
            attempt=attempt.number,
            passed=attempt.passed,
        )
        made += 1
    return made


def _score(session: Session, attempt: CalibrationAttempt, cases: list[Case]) -> Score:
    key = {(d.study, d.level): d.pfirrmann for d in repository.key_of(session, attempt.calibration)}
    return score(key, {place: grade for case in cases for place, grade in said(session, case).items()})


def said(session: Session, case: Case) -> dict[Disc, int]:
    """The grades of a case's first signed answer; nothing while there is none."""
    if case.signed is None:
        return {}
    study = session.get_one(Unit, case.task.unit).study
    findings = Findings.model_validate_json(case.signed.findings or "")
    return {(study, d.level): d.pfirrmann for d in findings.discs if d.level and d.pfirrmann}


def standing(session: Session) -> CalibrationOut:
    """The newest set, and how every active reader stands."""
    newest, qualified = repository.newest(session), set(repository.qualified(session))
    readers = [
        ReaderOut(
            reader=person.id,
            name=person.name,
            passed=person.id in qualified,
            attempts=[AttemptOut.model_validate(one) for one in repository.attempts(session, person.id)],
        )
        for person in sorted(people.active_with_role(session, Role.READER), key=lambda one: one.name)
    ]
    return CalibrationOut(
        set=None if newest is None else _set_out(session, newest), readers=readers if newest else []
    )


def _set_out(session: Session, laid: CalibrationSet) -> SetOut:
    key = repository.key_of(session, laid.id or 0)
    cases = len({disc.study for disc in key})
    return SetOut(id=laid.id or 0, laid_at=laid.laid_at, cases=cases, discs=len(key))
