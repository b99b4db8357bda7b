"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.errors import DiscLoopError


def write_text(file: Path, text: str, *, mode: int = 0o644) -> None:
    """Write beside the target with its final mode, then rename over it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(target: Path, *, named: str) -> Iterator[Path]:
    """A private folder beside the target that takes its name at the end of the block, or goes.

    Args:
        target: Absent or empty.
        named: How an error names the target: an option or argument with its value.

    Raises:
        DiscLoopError: If the target holds something, or the disk refuses.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DiscLoopError(f"{named}: expected an absent or empty folder")
    folder = target.with_name(f".{target.name}.partial")
    try:
        _remove(folder)
        folder.mkdir(parents=True, mode=0o700)
        yield folder
        os.sync()
        folder.replace(target)
    except OSError as error:
        raise DiscLoopError(f"{named}: cannot be written ({error.strerror}: {error.filename})") from error
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Also what a killed process left there."""
    if folder.exists():
        shutil.rmtree(folder)
