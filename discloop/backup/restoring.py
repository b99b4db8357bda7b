"""Restoring a backup into a new home: checked file by file, then made a new beginning of its own."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from backend.audit import service as audit
from backend.clock import utc_now
from backend.database import Database
from discloop.atomic import new_folder
from discloop.backup import cut
from discloop.backup.contents import FILES, MANIFEST, SEALED_MANIFEST, Contents, StoredFile
from discloop.backup.sealing import opened
from discloop.backup.writing import databases_of
from discloop.home import Home
from domain.errors import DiscLoopError

CHUNK = 1 << 20
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def restore(source: Path, home: Home, key: bytes | None) -> tuple[Contents, str | None]:
    """Write the backup's home anew; what it holds and the new epoch of its outbox.

    Nothing is at `home` before every file has its hash, both databases are whole and the audit trail
    verifies.

    Raises:
        DiscLoopError: If the home holds something, the backup is damaged or sealed with another key.
    """
    contents = read_contents(source, key)
    with new_folder(home.root, named=f"--home {home.root}") as folder:
        for file in contents.files:
            _bring_back(source / FILES / file.stored, folder / file.path, file, key)
        there = Home(folder)
        there.create()
        epoch = _begin_anew(there, contents)
    return contents, epoch


def read_contents(source: Path, key: bytes | None) -> Contents:
    """The manifest of a backup.

    Raises:
        DiscLoopError: If there is none, or it does not open, or it is of another program.
    """
    is_sealed = (source / SEALED_MANIFEST).is_file()
    file = source / (SEALED_MANIFEST if is_sealed else MANIFEST)
    if not file.is_file():
        raise DiscLoopError(f"{source}: expected a backup, found no {MANIFEST}")
    if is_sealed and key is None:
        raise DiscLoopError(f"{source}: this backup is sealed: name its key with --key FILE")
    if not is_sealed and key is not None:
        raise DiscLoopError(f"{source}: this backup is not sealed: leave --key out")
    with file.open("rb") as stream:
        text = b"".join(opened(stream, key, MANIFEST)) if key else stream.read()
    try:
        return Contents.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DiscLoopError(f"{file}: {where}: {first['msg']}") from None


def _bring_back(stored: Path, target: Path, file: StoredFile, key: bytes | None) -> None:
    """Write one file and check it against the manifest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    found, size = hashlib.sha256(), 0
    try:
        with stored.open("rb") as stream, os.fdopen(os.open(target, NEW_FILE, 0o600), "wb") as out:
            pieces = opened(stream, key, file.path) if key else iter(lambda: stream.read(CHUNK), b"")
            for piece in pieces:
                found.update(piece)
                size += len(piece)
                out.write(piece)
    except FileNotFoundError:
        raise DiscLoopError(f"{stored}: the backup is damaged: {file.path} is missing") from None
    if (size, found.hexdigest()) != (file.size, file.sha256):
        raise DiscLoopError(f"{stored}: the backup is damaged: {file.path} is not what its manifest says")


def _begin_anew(home: Home, contents: Contents) -> str | None:
    """A new epoch on both sides, nobody signed in, and an entry in a verified audit trail."""
    backend, label_studio = databases_of(home)
    for file in (backend, label_studio):
        with closing(cut.connect(file)) as connection:
            cut.check(connection, file.name)
    _verify_audit(backend, contents)
    epoch = _new_epoch(backend, label_studio)
    for file, table in ((label_studio, "django_session"), (backend, "signed_in")):
        with closing(cut.connect(file)) as connection:
            connection.execute(f"DELETE FROM {table}")
    database = Database(f"sqlite:///{backend}")
    try:
        with database.writing() as session:
            details = {"made_at": contents.made_at, "audit_head": contents.position.audit_head}
            audit.record(session, "home.restored", subject=epoch or "-", by=None, clock=utc_now, **details)
    finally:
        database.dispose()
    return epoch


def _verify_audit(backend: Path, contents: Contents) -> None:
    database = Database(f"sqlite:///{backend}")
    try:
        with database.reading() as session:
            found = audit.verify(audit.every(session))
    finally:
        database.dispose()
    if not found.intact:
        raise DiscLoopError(f"{backend.name}: the audit trail is broken at entry {found.broken_at}")
    if (found.entries, found.head) != (contents.position.audit_entries, contents.position.audit_head):
        raise DiscLoopError(f"{backend.name}: the audit trail is not the one the backup's manifest names")


def _new_epoch(backend: Path, label_studio: Path) -> str | None:
    """Tell what the outbox writes from now on from what the lost machine wrote under the same numbers.

    The ledger goes on from its cursor: that part of the outbox is in it already, under the old epoch.
    """
    with closing(cut.connect(label_studio)) as database:
        row = database.execute("SELECT epoch FROM label_studio_guard_outboxstate").fetchone()
        if row is None:
            return None
        epoch = uuid.uuid4()
        database.execute("UPDATE label_studio_guard_outboxstate SET epoch = ?", (epoch.hex,))
    with closing(cut.connect(backend)) as database:
        # A cursor that is still empty begins with the first page it gets, of whatever epoch.
        database.execute(
            "UPDATE outbox_cursor SET epoch = ? WHERE epoch = ?", (str(epoch), str(uuid.UUID(row[0])))
        )
    return str(epoch)
