"""What a backup holds, as its `manifest.json` says it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FORMAT = 1
MANIFEST = "manifest.json"
SEALED_MANIFEST = "manifest.sealed"
FILES = "files"


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or str(PurePosixPath(path)) != path:
        raise ValueError("a path inside the home is expected")
    return path


InsidePath = Annotated[str, AfterValidator(_inside)]


class StoredFile(BaseModel):
    """One file of the home."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: InsidePath
    """In the home, with forward slashes."""
    stored: InsidePath
    """Below `files/` of the backup: the same path, or a number where the backup is sealed."""
    size: int = Field(ge=0)
    """In bytes, before sealing."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Position(BaseModel):
    """Where the loop stood at the moment of the cut."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: str | None
    """The outbox's; None before its first entry."""
    outbox_last: int
    ledger_last: int
    """Up to here the ledger had the outbox; the rest follows after a restore."""
    revisions: int
    audit_entries: int
    audit_head: str
    """Hash of the audit trail's last entry: compare it with one that was written down elsewhere."""


class Contents(BaseModel):
    """The manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = Field(ge=FORMAT, le=FORMAT)
    made_at: str
    discloop: str
    label_studio: str
    migration: str
    """The backend database's newest migration."""
    position: Position
    files: tuple[StoredFile, ...]
