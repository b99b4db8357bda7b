"""The floor of free disk: what may wait stops before readings, which may not, find no room."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from backend.errors import BackendError

GIB = 1 << 30


class NoRoom(BackendError):
    """Too little disk is free."""

    status: ClassVar[int] = 507
    code: ClassVar[str] = "no_room"


def require_room(folder: Path, free_gb: float) -> None:
    """Raise where less than `free_gb` GiB are free on the folder's disk.

    Raises:
        NoRoom: Saying how much is free and what to do.
    """
    free = shutil.disk_usage(folder).free / GIB
    if free < free_gb:
        raise NoRoom(
            f"{free:.1f} GiB of disk are free, {free_gb:g} are kept for readings: make room (discloop prune)"
        )
