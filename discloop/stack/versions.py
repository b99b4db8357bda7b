"""Which DiscLoop wrote a home, and whether this one may start on it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from alembic.script import ScriptDirectory
from pydantic import BaseModel, ConfigDict, ValidationError

import backend.migrations
from discloop.atomic import write_text
from discloop.home import Home
from domain.errors import DiscLoopError
from label_studio_guard import LABEL_STUDIO

STAMP = "version.json"


class Stamp(BaseModel):
    """Who last brought a home to its form."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    discloop: str
    label_studio: str
    migration: str
    at: str

    @classmethod
    def now(cls) -> Self:
        """This program's."""
        return cls(
            discloop=version("discloop"),
            label_studio=LABEL_STUDIO,
            migration=newest_migration(),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def save(self, home: Home) -> None:
        """Write it into the home."""
        write_text(home.root / STAMP, self.model_dump_json(indent=1) + "\n")


def stamp_of(home: Home) -> Stamp | None:
    """The home's stamp; None for one that is new or older than stamps."""
    try:
        return Stamp.model_validate_json((home.root / STAMP).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise DiscLoopError(f"{home.root / STAMP}: cannot be read: restore it from a backup") from error


def newest_migration() -> str:
    """Of this program."""
    return str(_scripts().get_current_head())


def migration_of(home: Home) -> str | None:
    """What the home's backend database was last brought to; None before its first start."""
    file = home.backend / "backend.sqlite3"
    if not file.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        # Killed before its first migration committed.
        return None
    return str(row[0]) if row else None


def is_current(home: Home) -> bool:
    """Whether nothing of the home has to be migrated.

    Raises:
        DiscLoopError: If a newer DiscLoop wrote it.
    """
    found, stamp = migration_of(home), stamp_of(home)
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        raise DiscLoopError(
            f"--home {home.root}: a newer DiscLoop wrote it (migration {found}): install that one, "
            "or restore the backup that was made before its upgrade"
        )
    is_same_label_studio = stamp is None or stamp.label_studio == LABEL_STUDIO
    return found in (None, newest_migration()) and is_same_label_studio


def require_current(home: Home) -> None:
    """Stamp a new home; refuse one that has to be upgraded: a migration never runs without a backup.

    Raises:
        DiscLoopError: Saying what to do.
    """
    if not is_current(home):
        raise DiscLoopError(
            f"--home {home.root}: an older DiscLoop wrote it: discloop upgrade --home {home.root} "
            "makes a backup and brings it up to date"
        )
    if stamp_of(home) is None:
        Stamp.now().save(home)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(next(iter(backend.migrations.__path__)))))
