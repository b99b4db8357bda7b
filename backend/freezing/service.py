"""What a study lacks before it is frozen."""

from __future__ import annotations

from sqlmodel import Session, col, func, select

from backend.adjudications import blank
from backend.adjudications import repository as adjudications
from backend.agreement.tables import Freeze
from backend.corrections import repository as corrections
from backend.freezing.schemas import FreezeOut, Missing
from backend.people.tables import Person
from backend.readings import repository as readings
from backend.readings.interpretation import RevisionState
from backend.worklists import repository as worklists
from backend.worklists.tables import Assignment, Selection


def state(session: Session) -> FreezeOut:
    """Everything the page shows."""
    row = session.get(Freeze, 1)
    person = session.get(Person, row.by) if row else None
    return FreezeOut(
        frozen_at=row.at if row else None,
        frozen_by=person.name if person else row.by if row else None,
        missing=_missing(session),
    )


def _missing(session: Session) -> list[Missing]:
    given, decided = adjudications.counts(session)
    untaken = adjudications.count_waiting(session)
    drawn, read_blank = blank.counts(session)
    held = readings.by_state(session).get(RevisionState.QUARANTINED, 0)
    rows = (
        ("studies that nobody was given", len(worklists.unplanned_studies(session)), "/worklists"),
        ("first readings not signed", _unread(session, repeats=False), "/worklists"),
        ("hidden repeats not signed", _unread(session, repeats=True), "/worklists"),
        ("units that differ and that no adjudicator may take", untaken, "/adjudications"),
        ("units that wait for a decision", given - decided, "/adjudications"),
        ("units opened again by a late correction", corrections.count_open(session), "/corrections"),
        ("agreed units not read blank yet", drawn - read_blank, "/adjudications/blank"),
        ("revisions in quarantine", held, "/readings"),
        (
            "annotations on which the ledger and Label Studio differ",
            readings.count_discrepancies(session),
            "/readings",
        ),
    )
    return [Missing(what=what, count=count, path=path) for what, count, path in rows]


def _unread(session: Session, *, repeats: bool) -> int:
    occasion = col(Assignment.occasion) > 1 if repeats else col(Assignment.occasion) == 1
    statement = select(func.count()).select_from(Assignment)
    statement = statement.where(occasion, col(Assignment.first_signed_at).is_(None))
    return session.exec(statement.where(Assignment.selection != Selection.BLANK)).one()
