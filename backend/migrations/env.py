"""Alembic's entry: runs the migrations in one transaction that excludes other processes."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel

import backend.app  # noqa: F401  # brings every table
from backend.database import CodeType, Database, UtcDateTime


def _render(kind: str, item: Any, _autogenerate: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, CodeType):
        return "sa.String(length=32)"
    if kind == "type" and type(item).__name__ == "AutoString":
        return f"sa.String({f'length={item.length}' if item.length else ''})"
    return False


database: Database = context.config.attributes["database"]
with database.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_item=_render,
        compare_type=lambda _c, _i, _m, a, b: False if isinstance(b, sa.types.TypeDecorator) else None,
    )
    with connection.begin(), context.begin_transaction():
        context.run_migrations()
