"""The home on disk: room, rights, locks, databases, weights."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from discloop import credentials
from discloop.backup import cut
from discloop.backup.writing import SCRATCH, databases_of
from discloop.doctor.findings import Finding, ok, problem, warning
from discloop.home import Home
from discloop.stack import preflight, state
from domain.errors import DiscLoopError

ROOMY_BYTES = 10 * preflight.NEEDED_BYTES
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs")
LONGEST_AHEAD_SECONDS = 5.0


def examine(home: Home) -> Iterator[Finding]:
    """Everything that needs no running stack."""
    yield _room(home)
    yield _file_system(home)
    yield from _rights(home)
    yield _lock(home)
    yield from _weights(home)
    try:
        databases = databases_of(home)
    except DiscLoopError as error:
        yield warning("databases", str(error), f"start the stack once: discloop up --home {home.root}")
        return
    for file in databases:
        yield _database(file)
    yield _clock(databases[0])


def _room(home: Home) -> Finding:
    free = shutil.disk_usage(home.root).free
    said = f"{free / 1e9:.1f} GB free"
    cure = f"free some: discloop prune --home {home.root}, or a larger disk"
    if free < preflight.NEEDED_BYTES:
        return problem("disk", f"{said}; the stack needs {preflight.NEEDED_BYTES / 1e9:.1f} GB", cure)
    return warning("disk", said, cure) if free < ROOMY_BYTES else ok("disk", said)


def _file_system(home: Home) -> Finding:
    """SQLite's write-ahead log needs memory that all its processes share: one machine's disk."""
    kind = file_system_of(home.root, Path("/proc/mounts").read_text(encoding="utf-8"))
    if kind in NETWORK_FILE_SYSTEMS:
        return problem(
            "file-system",
            f"{home.root} is on {kind}: SQLite loses readings on network file systems",
            "move the home to a disk of this machine, or run the grown form with Postgres",
        )
    return ok("file-system", kind)


def file_system_of(folder: Path, mounts: str) -> str:
    """The kind of file system a folder is on, by the table of `/proc/mounts`."""
    best, kind = "", "unknown"
    for line in mounts.splitlines():
        _, place, this, *_ = line.split(" ")
        mount = Path(place.replace("\\040", " "))
        if (mount == folder or mount in folder.parents) and len(place) >= len(best):
            best, kind = place, this
    return kind


def _rights(home: Home) -> Iterator[Finding]:
    mode = stat.S_IMODE(home.root.stat().st_mode)
    if mode & 0o077:
        yield problem(
            "rights",
            f"{home.root} has mode {mode:o}: others of this machine may read it",
            f"chmod 700 {home.root}",
        )
    else:
        yield ok("rights", f"mode {mode:o}")
    try:
        credentials.load(home.secrets)
        yield ok("secrets", "generated, for the owner only")
    except DiscLoopError as error:
        yield problem("secrets", str(error), "see the line; a lost secrets.json comes back from a backup")


def _lock(home: Home) -> Finding:
    if (home.root / SCRATCH).exists():
        return warning(
            "lock", "a backup was killed, or runs now", "the next discloop backup clears what it left"
        )
    return ok("lock", "held by the running stack" if state.is_running(home) else "free")


def _weights(home: Home) -> Iterator[Finding]:
    spec = find_spec("ml_backend")
    bundled = [Path(place) / "weights" for place in (spec.submodule_search_locations or ())] if spec else []
    folders = [folder for folder in (*bundled, *sorted(home.weights.glob("*"))) if folder.is_dir()]
    for folder in folders:
        yield _hash(folder)


def _hash(folder: Path) -> Finding:
    """As `ml_backend.weights` does it, without loading PyTorch."""
    check = f"weights {folder.name}"
    cure = "restore the folder from a backup, or roll back: discloop round rollback"
    try:
        named = json.loads((folder / "model.json").read_text(encoding="utf-8"))["sha256"]
        with (folder / "weights.pt").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return problem(check, f"{folder}: no model ({type(error).__name__})", cure)
    if named != found:
        return problem(check, f"{folder}: its file has SHA-256 {found[:12]}…, not {str(named)[:12]}…", cure)
    return ok(check, f"SHA-256 {found[:12]}…")


def _database(file: Path) -> Finding:
    check = f"database {file.name}"
    cure = "stop the stack and restore the newest backup to another home: discloop restore"
    try:
        with closing(cut.connect(file)) as database:
            said = database.execute("PRAGMA quick_check").fetchone()[0]
            mode = database.execute("PRAGMA journal_mode").fetchone()[0]
    except sqlite3.Error as error:
        return problem(check, f"cannot be read ({error})", cure)
    if said != "ok":
        return problem(check, f"is damaged: {said}", cure)
    return ok(check, f"whole, journal {mode}")


def _clock(backend: Path) -> Finding:
    """A clock that was set back puts what is written now before what was written then."""
    try:
        with closing(cut.connect(backend)) as database:
            (newest,) = database.execute("SELECT max(at) FROM audit_entry").fetchone()
    except sqlite3.Error as error:
        return problem("clock", f"no audit trail ({error})", "start the stack once: it migrates its database")
    if newest is None:
        return ok("clock", "nothing written yet")
    ahead = (datetime.fromisoformat(newest).replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    if ahead > LONGEST_AHEAD_SECONDS:
        return problem(
            "clock",
            f"the newest audit entry is {ahead:.0f} s in the future: the clock was set back",
            "set the clock by NTP (timedatectl set-ntp true)",
        )
    return ok("clock", "nothing is written in the future")
