"""What must be so before anything is started, each with one line that says what to do."""

from __future__ import annotations

import shutil

from discloop.home import Home
from discloop.stack import versions
from discloop.stack.ports import Ports
from domain.errors import DiscLoopError

NEEDED_BYTES = 1_000_000_000
"""A stack with the phantom studies takes a few hundred megabytes; training needs the rest."""


def check(home: Home, ports: Ports, *, needed_bytes: int = NEEDED_BYTES) -> None:
    """Raise where the disk is too full, a port is taken, or the home is an older DiscLoop's."""
    free = shutil.disk_usage(home.root).free
    if free < needed_bytes:
        raise DiscLoopError(
            f"--home {home.root}: expected {needed_bytes / 1e9:.1f} GB of free disk, "
            f"found {free / 1e9:.1f} GB"
        )
    ports.require_free()
    versions.require_current(home)
