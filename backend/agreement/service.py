"""From comparisons to a table of readings, and from that to the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlmodel import Session, select

from backend.access import SEES_THE_LOOP, Actor
from backend.agreement.tables import Freeze
from backend.audit import service as audit
from backend.clock import Clock
from backend.comparisons import repository as comparisons
from backend.comparisons.repository import TwoReadings
from backend.comparisons.tables import ComparisonRecord
from backend.errors import Conflict, Forbidden
from backend.studies import repository as studies
from backend.studies.tables import Patient, StudyRecord, Unit
from backend.worklists.tables import Assignment, Selection
from domain.agreement import AgreementReport, Readings, report
from domain.disagreements import Comparison, Subject
from domain.findings import Findings
from domain.manifest import Study
from domain.taxonomy import Arm, Plane

COLUMNS = (
    "patient",
    "study",
    "index",
    "level",
    "reader",
    "arm",
    "occasion",
    "pfirrmann",
    "gradable",
    "herniation",
    "hiz",
    "random_share",
    "inclusion_probability",
    "site",
    "scanner",
    "month",
)
"""Of the table that `discloop agreement` reads as well."""

Row = dict[str, Any]


def check_entitled(session: Session, actor: Actor) -> None:
    """Engineers and leads may always look; readers and adjudicators from the freeze on.

    Raises:
        Forbidden: If the study is not frozen and the actor reads or adjudicates in it.
    """
    if actor.role not in SEES_THE_LOOP and session.get(Freeze, 1) is None:
        raise Forbidden("results are shown to readers and adjudicators once the study is frozen")


def freeze(session: Session, *, by: Actor, clock: Clock) -> None:
    """Let everybody see results from now on.

    Raises:
        Conflict: If it is frozen already.
    """
    if session.get(Freeze, 1) is not None:
        raise Conflict("the study is frozen already")
    session.add(Freeze(at=clock(), by=by.id))
    session.flush()
    audit.record(session, "study.frozen", subject="study", by=by, clock=clock)


def make_report(session: Session, arm: Arm | None) -> AgreementReport | None:
    """The report on one arm's readings, or on all of them; `None` while nothing has been compared."""
    rows = list(readings(session))
    if not rows:
        return None
    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    return report(Readings.from_columns(columns), arm="all" if arm is None else arm.value)


def readings(session: Session) -> Iterator[Row]:
    """One row a disc of a sagittal reading that was compared; discs are numbered over both readings."""
    known = {row.id: Study.model_validate_json(row.manifest) for row in studies.every_study(session)}
    sites = {patient.id: patient.site for patient in session.exec(select(Patient))}
    rows = session.exec(
        select(ComparisonRecord, Unit, StudyRecord)
        .join(Unit, Unit.id == ComparisonRecord.unit)  # type: ignore[arg-type]
        .join(StudyRecord, StudyRecord.id == Unit.study)  # type: ignore[arg-type]
        .where(Unit.plane == Plane.SAGITTAL)
        .order_by(ComparisonRecord.unit)
    ).all()
    for record, _unit, study in rows:
        both = comparisons.two_readings(session, record)
        scanner = next(s.scanner for s in known[study.id].series if s.plane is Plane.SAGITTAL)
        about = {
            "patient": study.patient,
            "study": study.id,
            "site": sites[study.patient],
            "scanner": str(scanner.get("manufacturer") or "") or None,
            "month": known[study.id].month,
        }
        for second, key in enumerate((record.first, record.second)):
            assignment = session.get_one(Assignment, key)
            yield from _rows_of(both, bool(second), about | _about(assignment))


def _about(assignment: Assignment) -> Row:
    return {
        "reader": assignment.reader,
        "arm": assignment.arm.value,
        "occasion": assignment.occasion,
        "random_share": int(assignment.selection is Selection.RANDOM),
        "inclusion_probability": assignment.inclusion,
    }


def _rows_of(both: TwoReadings, second: bool, about: Row) -> Iterator[Row]:
    findings: Findings = both.second if second else both.first
    for pair in both.comparison.discs:
        place = pair.second if second else pair.first
        if place is None:
            continue
        disc = findings.discs[place]
        yield about | {
            "index": pair.position,
            "level": disc.level,
            "pfirrmann": disc.pfirrmann,
            "gradable": int(disc.not_gradable is None),
            "herniation": _marked(both.comparison, pair.position, Subject.HERNIATION, second),
            "hiz": _marked(both.comparison, pair.position, Subject.HIZ, second),
        }


def _marked(comparison: Comparison, position: int, subject: Subject, second: bool) -> int:
    pairs = [p for p in comparison.lesions if p.position == position and p.subject is subject]
    return int(any(p.second if second else p.first for p in pairs))


def as_csv(rows: Sequence[Row]) -> str:
    """The table as `discloop agreement` reads it."""
    lines = [",".join(COLUMNS)]
    lines += [",".join("" if row[n] is None else str(row[n]) for n in COLUMNS) for row in rows]
    return "\n".join(lines) + "\n"
