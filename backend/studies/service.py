"""Taking over curation's manifest."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Session, col, select

from backend.access import Actor
from backend.audit import service as audit
from backend.calibrations.tables import CalibrationDisc
from backend.clock import Clock
from backend.errors import Invalid
from backend.studies import repository
from backend.studies.manifest_file import NAME, check_files, read_manifest
from backend.studies.schemas import IngestSummary
from backend.studies.tables import Patient, StudyRecord, Unit
from backend.worklists.tables import Assignment
from domain.manifest import Study


def ingest(session: Session, store: Path, *, by: Actor, clock: Clock) -> IngestSummary:
    """Take over every study of the store's manifest: all of it, or nothing.

    Safe to run again. A study whose line changed is updated as long as nobody was given it to read.

    Raises:
        Invalid: Naming the manifest's line and field.
    """
    done = {"added": 0, "updated": 0, "unchanged": 0}
    for number, study in read_manifest(store):
        _take_patient(session, number, study, clock)
        done[_take_study(session, store, number, study, clock)] += 1
        session.flush()
    if done["added"] or done["updated"]:
        audit.record(session, "studies.ingested", subject=NAME, by=by, clock=clock, **done)
    patients, studies, units = repository.counts(session)
    return IngestSummary(**done, patients=patients, studies=studies, units=units)


def _take_patient(session: Session, number: int, study: Study, clock: Clock) -> None:
    known = session.get(Patient, study.patient)
    if known is None:
        session.add(Patient(id=study.patient, split=study.split, site=study.site, ingested_at=clock()))
        session.flush()
    elif known.split != study.split:
        raise Invalid(
            f"{NAME} line {number}, split: this patient is {known.split.value} since the first ingest, "
            f"the line says {study.split.value}; a patient never changes split"
        )


def _take_study(session: Session, store: Path, number: int, study: Study, clock: Clock) -> str:
    line = study.model_dump_json()
    known = session.get(StudyRecord, study.study)
    if known is not None and known.manifest == line:
        return "unchanged"
    twin = repository.by_digest(session, study.digest)
    if twin is not None and twin.id != study.study:
        raise Invalid(f"{NAME} line {number}, digest: the same scan is there already as study {twin.id}")
    check_files(store, number, study)
    if known is None:
        session.add(
            StudyRecord(
                id=study.study, patient=study.patient, digest=study.digest, manifest=line, ingested_at=clock()
            )
        )
        session.flush()
        _set_units(session, study)
        return "added"
    _refuse_change(session, number, known, study)
    known.manifest, known.digest = line, study.digest
    _set_units(session, study)
    return "updated"


def _refuse_change(session: Session, number: int, known: StudyRecord, study: Study) -> None:
    if known.patient != study.patient:
        raise Invalid(f"{NAME} line {number}, patient: this study belongs to another patient already")
    given = select(Assignment.key).join(Unit, col(Unit.id) == col(Assignment.unit))
    keyed = select(CalibrationDisc.study).where(CalibrationDisc.study == study.study)
    if any(
        session.exec(one.limit(1)).first() is not None
        for one in (given.where(Unit.study == study.study), keyed)
    ):
        raise Invalid(
            f"{NAME} line {number}, study: {study.study} was given out for reading and its line has changed; "
            "curate the changed study under a new id"
        )


def _set_units(session: Session, study: Study) -> None:
    wanted = {repository.unit_id(study.study, series.plane): series for series in study.series}
    for held in repository.units_of(session, [study.study]):
        if held.id not in wanted:
            session.delete(held)
    for unit_id, series in wanted.items():
        unit = session.get(Unit, unit_id)
        if unit is None:
            session.add(Unit(id=unit_id, study=study.study, plane=series.plane, slices=len(series.slices)))
        else:
            unit.slices = len(series.slices)
