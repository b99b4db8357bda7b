"""Rows of projects and of the projection's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, col, select

from backend.projects.tables import Project, ProjectionState, ProjectKind


def state(session: Session) -> ProjectionState:
    """The one row, made if need be."""
    row = session.get(ProjectionState, 1)
    if row is None:
        row = ProjectionState()
        session.add(row)
    return row


def every(session: Session) -> Sequence[Project]:
    """Every project, by key."""
    return session.exec(select(Project).order_by(Project.key)).all()


def of_kind(session: Session, kind: ProjectKind) -> Sequence[Project]:
    """Every project of this kind that Label Studio has, by key."""
    statement = select(Project).where(Project.kind == kind, col(Project.label_studio_id).is_not(None))
    return session.exec(statement.order_by(Project.key)).all()


def number(session: Session, numbers: Mapping[str, int]) -> None:
    """Note Label Studio's numbers of projects, by key."""
    for project in every(session):
        if project.key in numbers and project.label_studio_id != numbers[project.key]:
            project.label_studio_id = numbers[project.key]
            project.smart_box_at = None
