"""Making a backup: the cut of the databases first, then every file they may name."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from discloop import maintenance
from discloop.atomic import new_folder
from discloop.backup import cut
from discloop.backup.contents import (
    FILES,
    FORMAT,
    MANIFEST,
    SEALED_MANIFEST,
    Contents,
    Position,
    StoredFile,
)
from discloop.backup.sealing import Readable, sealed
from discloop.home import Home
from domain.errors import DiscLoopError
from label_studio_guard import LABEL_STUDIO

PLAIN_CHUNK = 1 << 20
SCRATCH = ".backup"
NOT_KEPT = frozenset({"logs", "cache", "stack.json", "stack.lock", maintenance.LOCK, SCRATCH})
"""Of the home: what a new machine makes anew."""


def back_up(home: Home, target: Path, key: bytes | None) -> Contents:
    """Write a backup of a home to a folder that is there whole or not at all.

    Slices and weights are written before a row names them and never changed: copied after the cut, they hold
    all that it names.

    Args:
        home: Of a stack that runs or not.
        target: Absent or empty.
        key: 32 bytes that seal every file; without it the backup is as readable as the home.

    Raises:
        DiscLoopError: If the target holds something, or the home no databases.
    """
    if home.root in target.resolve().parents or target.resolve() == home.root:
        raise DiscLoopError(f"{target}: a backup inside of its own home is lost with it")
    with maintenance.held(home), new_folder(target, named=str(target)) as folder, _scratch(home) as scratch:
        databases = databases_of(home)
        copies = [scratch / file.name for file in databases]
        cut.copy(databases, copies)
        sources = dict(zip((_name(home, file) for file in databases), copies, strict=True))
        sources |= {_name(home, file): file for file in _files(home)}
        contents = Contents(
            format=FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            discloop=version("discloop"),
            label_studio=LABEL_STUDIO,
            migration=_one(copies[0], "SELECT version_num FROM alembic_version"),
            position=_position(*copies),
            files=tuple(_store(sources, folder / FILES, key)),
        )
        _write_manifest(contents, folder, key)
    return contents


def databases_of(home: Home) -> list[Path]:
    """The backend's database and Label Studio's.

    Raises:
        DiscLoopError: If one is not there.
    """
    files = [home.backend / "backend.sqlite3", home.label_studio / "label_studio.sqlite3"]
    for file in files:
        if not file.is_file():
            raise DiscLoopError(f"{file}: no such database; has a stack been started on this home?")
    return files


@contextmanager
def _scratch(home: Home) -> Iterator[Path]:
    """For the copies: in the home, so that nothing unsealed touches the backup's disk."""
    folder = home.root / SCRATCH
    _remove(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _name(home: Home, file: Path) -> str:
    return file.relative_to(home.root).as_posix()


def _files(home: Home) -> Iterator[Path]:
    """Everything else of the home. A link to a folder on another disk is followed."""
    for folder, below, names in os.walk(home.root, followlinks=True):
        here = Path(folder)
        if here == home.root:
            below[:] = [name for name in below if name not in NOT_KEPT]
        below.sort()
        for name in sorted(names):
            is_database = ".sqlite3" in name and here in (home.backend, home.label_studio)
            if not is_database and not (here == home.root and name in NOT_KEPT):
                yield here / name


def _store(sources: dict[str, Path], into: Path, key: bytes | None) -> Iterator[StoredFile]:
    for number, (name, source) in enumerate(sources.items(), start=1):
        stored = f"{number:08d}" if key else name
        if source.exists() and not source.is_file():
            raise DiscLoopError(f"{source}: expected a file; a backup keeps files only")
        try:
            with source.open("rb") as stream:
                measured = _Measured(stream)
                _write(into / stored, _pieces(measured, key, name))
        except FileNotFoundError:
            if source.exists():
                raise
            # A running round had removed it since the folder was listed.
            continue
        yield StoredFile(path=name, stored=stored, size=measured.size, sha256=measured.sha256)


class _Measured:
    """A stream whose length and hash are known once it is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        chunk = self._stream.read(size)
        self._hash.update(chunk)
        self.size += len(chunk)
        return chunk

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _pieces(stream: Readable, key: bytes | None, name: str) -> Iterator[bytes]:
    if key:
        yield from sealed(stream, key, name)
    else:
        yield from iter(lambda: stream.read(PLAIN_CHUNK), b"")


def _write(file: Path, pieces: Iterator[bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.writelines(pieces)


def _write_manifest(contents: Contents, folder: Path, key: bytes | None) -> None:
    name = SEALED_MANIFEST if key else MANIFEST
    text = BytesIO((contents.model_dump_json(indent=1) + "\n").encode())
    _write(folder / name, _pieces(text, key, MANIFEST))


def _position(backend: Path, label_studio: Path) -> Position:
    state = _row(label_studio, "SELECT epoch, last FROM label_studio_guard_outboxstate") or (None, 0)
    audit = _row(backend, "SELECT id, hash FROM audit_entry ORDER BY id DESC LIMIT 1") or (0, "0" * 64)
    return Position(
        epoch=state[0],
        outbox_last=state[1],
        ledger_last=_one(backend, "SELECT coalesce(max(last), 0) FROM outbox_cursor"),
        revisions=_one(backend, "SELECT count(*) FROM revision"),
        audit_entries=_one(backend, "SELECT count(*) FROM audit_entry"),
        audit_head=audit[1],
    )


def _one(file: Path, query: str) -> Any:
    row = _row(file, query)
    return row[0] if row else None


def _row(file: Path, query: str) -> Any:
    try:
        with closing(sqlite3.connect(file)) as database:
            row = database.execute(query).fetchone()
    except sqlite3.Error as error:
        raise DiscLoopError(f"{file.name}: is not what DiscLoop writes ({error})") from error
    return row
