"""The database: SQLite (WAL, immediate transactions) or Postgres, with the same promises.

There is one writer at a time: SQLite by `BEGIN IMMEDIATE`, Postgres by a transaction-wide advisory
lock. Transactions hold no network call, so they are short, and what is read in one stays true to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Engine, MetaData, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import DateTime, String, TypeDecorator
from sqlmodel import Session, SQLModel

from domain.errors import DiscLoopError

BUSY_TIMEOUT_MS = 15_000
WRITER_LOCK = 0x6469_7363  # "disc": any number, the same in every process
BEGIN = "discloop_begin"

Code = TypeVar("Code", bound=StrEnum)

SQLModel.metadata.naming_convention = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
).naming_convention


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an aware datetime is expected, {value!r} is naive")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite gives naive moments back; ours are UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CodeType(TypeDecorator[Any]):
    """A stable code of a `StrEnum`, stored as its text."""

    impl = String(32)
    cache_ok = True

    def __init__(self, codes: type[StrEnum]) -> None:
        super().__init__()
        self.codes = codes

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Only a code that exists is stored."""
        return None if value is None else str(self.codes(value).value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:
        """The enumeration's member."""
        return None if value is None else self.codes(value)


class Database:
    """Opens transactions. Each is one request's or one job step's, and commits at its end or not at all."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url` (`sqlite:///...` or `postgresql://...`)."""
        self.url = driver_url(url)
        self.engine = _sqlite(self.url) if self.url.startswith("sqlite") else _postgres(self.url)
        self._readers = self.engine.execution_options(**{BEGIN: "DEFERRED"})

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that excludes other writers; commits at the end, rolls back on any error."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that waits for nobody and keeps nothing."""
        with Session(self._readers, expire_on_commit=False, autoflush=False) as session:
            yield session
            # A rollback would expire the rows; what was read may be used after.
            session.expunge_all()
            session.rollback()

    def check(self) -> None:
        """Raise if the database does not answer."""
        with self.reading() as session:
            session.connection().execute(text("SELECT 1"))

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def driver_url(url: str) -> str:
    """The address with the driver we use.

    Raises:
        DiscLoopError: If it names neither SQLite nor Postgres.
    """
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        return f"sqlite+pysqlite://{rest}"
    if scheme.startswith("postgres"):
        return f"postgresql+psycopg://{rest}"
    raise DiscLoopError(
        f"DISCLOOP_DATABASE_URL: sqlite:///... or postgresql://... is expected, got {scheme}://..."
    )


def _sqlite(url: str) -> Engine:
    if make_url(url).database in (None, "", ":memory:"):
        raise DiscLoopError("DISCLOOP_DATABASE_URL: a file is expected, SQLite in memory keeps nothing")
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling begins too late: we begin ourselves, below.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        # A revision that was acknowledged must outlive a power cut.
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        kind = connection.get_execution_options().get(BEGIN, "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {kind}")

    return engine


def _postgres(url: str) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(BEGIN) != "DEFERRED":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITER_LOCK})")

    return engine


def changed(session: Session, statement: UpdateBase) -> int:
    """Run an update or delete; how many rows it changed."""
    result = session.connection().execute(statement)
    return int(result.rowcount)
