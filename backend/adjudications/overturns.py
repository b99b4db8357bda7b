"""What blank readings say of the units on which two readers agree."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from sqlmodel import Session, col, select

from backend.adjudications import blank
from backend.comparisons import repository as comparisons
from backend.comparisons.tables import ComparisonRecord
from backend.corrections.tables import Correction
from backend.readings.tables import Revision
from backend.studies import repository as studies
from backend.studies.tables import StudyRecord, Unit
from backend.worklists.tables import Assignment, Selection
from domain.comparison import compare
from domain.disagreements import Comparison, Subject
from domain.findings import Findings
from domain.merging import agreed_findings
from domain.shared_error import Checked, SharedError, shared_error
from domain.taxonomy import DisagreementKind

GRADE = frozenset({DisagreementKind.GRADE, DisagreementKind.GRADABILITY})
NAME = frozenset({DisagreementKind.LEVEL, DisagreementKind.LEVEL_SHIFT})
BOXED = frozenset({DisagreementKind.PRESENCE})
ABOUT = (
    ("grade", Subject.DISC, GRADE),
    ("disc", Subject.DISC, BOXED),
    ("level", Subject.DISC, NAME),
    ("herniation", Subject.HERNIATION, BOXED),
    ("hiz", Subject.HIZ, BOXED),
)
"""What is asked of every disc, and which disagreements overturn it."""


class BlankReadings(BaseModel):
    """Blank readings so far. Three readers agree on a disc where nothing about it is overturned."""

    given: int
    read: int
    overturned: int
    """Units on which the blank reading differs in anything."""
    errors: dict[str, SharedError]
    """By what was asked, over the discs of agreed units."""


def blank_readings(session: Session) -> BlankReadings:
    """Compare every blank reading with what the two readers agreed on."""
    given, read = blank.counts(session)
    checked: dict[str, list[Checked]] = {name: [] for name, _, _ in ABOUT}
    overturned = 0
    for assignment, patient, comparison in _compared(session):
        overturned += not comparison.agrees
        shifted = any(one.subject is Subject.COLUMN for one in comparison.disagreements)
        for pair in comparison.discs:
            for name, subject, kinds in ABOUT:
                said = bool(comparison.kinds(pair.position, subject) & kinds) or (kinds is NAME and shifted)
                checked[name].append(Checked(patient, assignment.inclusion, said))
    errors = {name: shared_error(discs) for name, discs in checked.items()}
    return BlankReadings(given=given, read=read, overturned=overturned, errors=errors)


def _compared(session: Session) -> Iterator[tuple[Assignment, str, Comparison]]:
    statement = (
        select(Assignment, Revision, ComparisonRecord, StudyRecord.patient)
        .join(Revision, col(Revision.task_key) == col(Assignment.key))
        .join(ComparisonRecord, col(ComparisonRecord.unit) == col(Assignment.unit))
        .join(Unit, col(Unit.id) == col(Assignment.unit))
        .join(StudyRecord, col(StudyRecord.id) == col(Unit.study))
        .where(Assignment.selection == Selection.BLANK, Revision.kind == "reading", Revision.number == 1)
        # What was corrected since is not what the draw was from.
        .where(col(ComparisonRecord.unit).not_in(select(Correction.unit)))
        .order_by(Assignment.key)
    )
    for assignment, revision, record, patient in session.exec(statement).all():
        agreed = agreed_findings(*comparisons.two_readings(session, record))
        said = Findings.model_validate_json(revision.findings or "")
        spacing = studies.series(session, session.get_one(Unit, assignment.unit)).spacing
        yield assignment, patient, compare(agreed, said, spacing=spacing)
