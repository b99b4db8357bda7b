"""Rows of people."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from backend.people.tables import Person
from domain.taxonomy import Role


def every(session: Session) -> Sequence[Person]:
    """Everybody, retired people last, in the order they came."""
    return session.exec(
        select(Person).order_by(col(Person.active).desc(), col(Person.created_at), Person.id)
    ).all()


def by_email(session: Session, email: str) -> Person | None:
    """The person with this address."""
    return session.exec(select(Person).where(Person.email == email)).one_or_none()


def active_with_role(session: Session, role: Role) -> Sequence[Person]:
    """Active people of a role, by id."""
    statement = select(Person).where(Person.role == role, col(Person.active).is_(True)).order_by(Person.id)
    return session.exec(statement).all()
