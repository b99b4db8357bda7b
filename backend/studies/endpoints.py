"""Studies over HTTP: `/api/studies`."""

from __future__ import annotations

from fastapi import APIRouter
from sqlmodel import Session

from backend.access import RUNS_THE_LOOP, Actor, Engineer
from backend.disk import require_room
from backend.nouns import Advice, Noun, Stage
from backend.resources import Reading, Using, Writing
from backend.studies import repository, service
from backend.studies.schemas import IngestRequest, IngestSummary, StudyOut

api = APIRouter(prefix="/api/studies", tags=["studies"])


@api.post("")
def ingest(
    session: Writing, actor: Engineer, resources: Using, _body: IngestRequest | None = None
) -> IngestSummary:
    """Take over the manifest of DISCLOOP_STORE. Safe to run again; all of it, or nothing."""
    require_room(resources.settings.store, resources.settings.free_gb)
    return service.ingest(session, resources.settings.store, by=actor, clock=resources.clock)


@api.get("")
def list_studies(session: Reading, _actor: Engineer) -> list[StudyOut]:
    """Every study, by id."""
    patients = repository.patients(session)
    units = repository.units_by_study(session)
    return [
        StudyOut(
            id=study.id,
            patient=study.patient,
            split=patients[study.patient].split,
            units=[unit.id for unit in units.get(study.id, [])],
        )
        for study in repository.every_study(session)
    ]


def _stages(session: Session) -> list[Stage]:
    patients, studies, units = repository.counts(session)
    note = f"{patients} patients, {units} units" if studies else "run discloop curate, then ingest"
    return [Stage(key="studies", title="Curated", order=10, done=studies, unit="studies", note=note)]


def _advice(session: Session, actor: Actor) -> list[Advice]:
    if repository.counts(session)[1] or actor.role not in RUNS_THE_LOOP:
        return []
    text = "No study is here yet. Curate a folder of DICOM, then ingest: discloop curate DICOM STORE."
    return [Advice(order=10, text=text)]


NOUN = Noun(name="studies", routers=(api,), stages=_stages, advice=_advice)
