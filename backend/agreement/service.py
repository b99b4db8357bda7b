"""Who may look, and the figures of the moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

from sqlmodel import Session

from backend.access import SEES_THE_LOOP, Actor
from backend.agreement import repository
from backend.agreement.discs import ReadDisc, discs_of
from backend.agreement.places import Places, Where, places_of, where
from backend.agreement.repository import Mark, Stamp
from backend.agreement.rows import Cells, as_columns, cells, rows_of
from backend.agreement.tables import Freeze
from backend.audit import service as audit
from backend.clock import Clock
from backend.comparisons.tables import ComparisonRecord
from backend.database import Database
from backend.errors import Conflict, Forbidden, NotFound
from backend.readings.tables import Revision
from backend.studies import repository as studies
from backend.studies.tables import Unit
from backend.worklists.tables import Assignment
from domain.agreement import AgreementReport, Readings, arm_effects, report
from domain.agreement.schema import ArmEffect
from domain.taxonomy import Plane


@dataclass(frozen=True)
class UnitFigures:
    """One unit's part, good as long as its mark is the same."""

    mark: Mark
    discs: tuple[ReadDisc, ...]
    rows: tuple[Cells, ...]
    places: Places


@dataclass
class Figures:
    """Everything that was compared up to one moment, with the reports that were asked for."""

    stamp: Stamp
    units: dict[str, UnitFigures] = field(default_factory=dict)
    reports: dict[tuple[str, bool], AgreementReport] = field(default_factory=dict)
    located: dict[str, Where] = field(default_factory=dict)

    @property
    def discs(self) -> list[ReadDisc]:
        """Every disc, unit by unit."""
        return [disc for unit in self.units.values() for disc in unit.discs]

    @property
    def rows(self) -> list[Cells]:
        """The table of readings, unit by unit."""
        return [row for unit in self.units.values() for row in unit.rows]

    def report(self, arm: str, *, resample_readers: bool = False) -> AgreementReport | None:
        """The report on one arm's readings, or on `all`; `None` while nothing has been compared."""
        if not self.units:
            return None
        asked = arm, resample_readers
        if asked not in self.reports:
            readings = Readings.from_columns(as_columns(self.rows))
            self.reports[asked] = report(readings, arm=arm, resample_readers=resample_readers)
        return self.reports[asked]

    def arm_effects(self) -> tuple[ArmEffect, ...]:
        """The report's section on the arms alone, in a fraction of its time; empty where there is one arm."""
        return arm_effects(Readings.from_columns(as_columns(self.rows))) if self.units else ()

    def where(self, arm: str) -> Where | None:
        """Boxes and slices of one arm's readings, or of `all`; `None` while nothing has been compared."""
        if not self.units:
            return None
        if arm not in self.located:
            self.located[arm] = where((unit.places for unit in self.units.values()), arm)
        return self.located[arm]


_KEPT: WeakKeyDictionary[Database, Figures] = WeakKeyDictionary()
_ONE_AT_A_TIME = Lock()


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


def figures(session: Session, database: Database) -> Figures:
    """The figures of now; only units of which there is something new are looked at again."""
    now = repository.stamp(session)
    with _ONE_AT_A_TIME:
        kept = _KEPT.get(database)
        if kept is None or kept.stamp != now:
            kept = Figures(now, _of_units(session, {} if kept is None else kept.units))
            _KEPT[database] = kept
        return kept


def _of_units(session: Session, before: Mapping[str, UnitFigures]) -> dict[str, UnitFigures]:
    """Every compared unit's part, by id; what has the same mark as before is kept."""
    marks = repository.marks(session)
    same = {
        unit: before[unit] for unit, mark in marks.items() if unit in before and before[unit].mark == mark
    }
    new = {
        name: UnitFigures(
            marks[name], tuple(discs_of(unit)), tuple(map(cells, rows_of(unit))), places_of(unit)
        )
        for name, unit in repository.compared(session, [unit for unit in marks if unit not in same])
    }
    return {unit: same.get(unit) or new[unit] for unit in marks}


def make_report(
    session: Session, database: Database, arm: str, *, resample_readers: bool = False
) -> AgreementReport | None:
    """The report of now; two who ask at once wait for one computation."""
    made = figures(session, database)
    with _ONE_AT_A_TIME:
        return made.report(arm, resample_readers=resample_readers)


def locate(session: Session, database: Database, arm: str) -> Where | None:
    """Where readers agree, of now."""
    made = figures(session, database)
    with _ONE_AT_A_TIME:
        return made.where(arm)


def slice_file(session: Session, store: Path, revision: int, number: int) -> Path:
    """The displayed slice of a compared sagittal unit, named by the number of one of its readings.

    Raises:
        NotFound: If the reading is no such, or has no such slice, or its file is not in the store.
    """
    row = session.get(Revision, revision)
    assignment = session.get(Assignment, row.task_key) if row and row.task_key else None
    if assignment is None or assignment.plane is not Plane.SAGITTAL:
        raise NotFound("no such slice")
    if session.get(ComparisonRecord, assignment.unit) is None:
        raise NotFound("no such slice")
    slices = studies.series(session, session.get_one(Unit, assignment.unit)).slices
    if not 0 <= number < len(slices):
        raise NotFound("no such slice")
    path = (store / slices[number].path).resolve()
    # The manifest's paths cannot leave the store by themselves; a link in it could.
    if not path.is_relative_to(store.resolve()) or not path.is_file():
        raise NotFound("no such slice")
    return path
