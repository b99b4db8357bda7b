"""Rows of the ledger. Nothing here changes or removes a revision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from backend.agreement.tables import Freeze
from backend.readings.interpretation import RevisionState
from backend.readings.tables import Discrepancy, LedgerCheck, OutboxCursor, Revision
from backend.worklists.tables import Assignment


def cursor(session: Session) -> OutboxCursor:
    """The one row, made if need be."""
    row = session.get(OutboxCursor, 1)
    if row is None:
        row = OutboxCursor()
        session.add(row)
    return row


def known(session: Session, epoch: str, outbox_ids: Iterable[int]) -> set[int]:
    """Which of these outbox entries are in the ledger."""
    statement = select(Revision.outbox_id).where(
        Revision.epoch == epoch, col(Revision.outbox_id).in_(list(outbox_ids))
    )
    return set(session.exec(statement))


def count_signed(session: Session, kind: str, task_key: str) -> int:
    """How many signed revisions a task has."""
    statement = select(func.count()).where(
        Revision.kind == kind, Revision.task_key == task_key, Revision.state == RevisionState.SIGNED
    )
    return session.exec(statement).one()


def counts(session: Session) -> ColumnElement[bool]:
    """Which revisions count for labels: signed ones, of the corrections those from before the freeze.

    After it readers may see each other's answers. Statistics use first revisions alone.
    """
    signed = col(Revision.state) == RevisionState.SIGNED
    frozen = session.get(Freeze, 1)
    if frozen is None:
        return signed
    return signed & or_(col(Revision.number) == 1, col(Revision.at) < frozen.at)


def first_signed(session: Session, task_key: str) -> Revision | None:
    """The revision of a task that statistics use."""
    return session.exec(
        select(Revision).where(Revision.task_key == task_key, Revision.number == 1)
    ).one_or_none()


def page(
    session: Session,
    *,
    after: int = 0,
    state: RevisionState | None = None,
    limit: int = 100,
    newest: bool = False,
) -> Sequence[tuple[Revision, Assignment | None]]:
    """Revisions with their assignments, by id ascending (or the newest first)."""
    statement = select(Revision, Assignment).outerjoin(
        Assignment, col(Assignment.key) == col(Revision.task_key)
    )
    statement = statement.where(col(Revision.id) > after)
    if state is not None:
        statement = statement.where(Revision.state == state)
    order = col(Revision.id).desc() if newest else col(Revision.id)
    return session.exec(statement.order_by(order).limit(limit)).all()


def by_state(session: Session) -> dict[RevisionState, int]:
    """How many revisions there are of each state."""
    statement = select(Revision.state, func.count()).group_by(col(Revision.state))
    return {RevisionState(state): count for state, count in session.exec(statement)}


def of_annotation(session: Session, task_key: str, annotation: int, uid: str | None) -> Sequence[Revision]:
    """Every revision of one annotation, in the order of the outbox."""
    statement = select(Revision).where(Revision.task_key == task_key)
    statement = statement.where(Revision.uid == uid if uid else Revision.annotation == annotation)
    return session.exec(statement.order_by(col(Revision.id))).all()


def of_project(session: Session, project_key: str) -> Sequence[Revision]:
    """Every revision made in one project, in the order of the outbox."""
    return session.exec(
        select(Revision).where(Revision.project_key == project_key).order_by(col(Revision.id))
    ).all()


def last_check(session: Session) -> LedgerCheck | None:
    """The newest comparison with Label Studio."""
    return session.exec(select(LedgerCheck).order_by(col(LedgerCheck.id).desc()).limit(1)).first()


def discrepancies(session: Session) -> Sequence[Discrepancy]:
    """Everything that was found, newest first."""
    return session.exec(select(Discrepancy).order_by(col(Discrepancy.id).desc())).all()


def count_discrepancies(session: Session) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Discrepancy)).one()
