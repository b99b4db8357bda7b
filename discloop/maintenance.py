"""One act of upkeep at a time on a home: backup, prune and upgrade exclude each other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from discloop.home import Home
from domain.errors import DiscLoopError

LOCK = "maintenance.lock"


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the home for one act of upkeep; the kernel lets go of it however this process ends.

    Raises:
        DiscLoopError: If another holds it, or there is no home.
    """
    if not home.root.is_dir():
        raise DiscLoopError(f"--home {home.root}: there is no such folder")
    descriptor = os.open(home.root / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise DiscLoopError(
            f"--home {home.root}: a backup, prune or upgrade runs on it already; wait for it"
        ) from error
    finally:
        os.close(descriptor)
