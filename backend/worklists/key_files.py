"""Key files: what the guard and the ML backend may know of a task, and nothing else does."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from domain.manifest import Series, Study
from domain.taxonomy import Plane


def write_key_file(folder: Path, key: str, study: Study, series: Series, *, smart_box: bool) -> None:
    """Write `<key>.json`, whole or not at all; one that is there already stays.

    Args:
        folder: DISCLOOP_KEYS.
        key: The task key.
        study: The study, for the sagittal scout of an axial unit.
        series: The unit's stack.
        smart_box: Whether the ML backend may move a drawn box to the disc; not where a reader is unaided.
    """
    path = folder / f"{key}.json"
    if path.exists():
        return
    content = {
        "slices": [one.path for one in series.slices],
        "scout": scout(study, series),
        "plane": series.plane,
        "smart_box": smart_box,
    }
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        # Other users' processes (the guard, the ML backend) read it.
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def scout(study: Study, series: Series) -> str | None:
    """The sagittal slice beside an axial stack: the one with lines, else the plain midline."""
    if series.plane is Plane.SAGITTAL:
        return None
    if series.scout is not None:
        return series.scout
    sagittal = next((one for one in study.series if one.plane is Plane.SAGITTAL), None)
    return None if sagittal is None else sagittal.slices[sagittal.midline].path
