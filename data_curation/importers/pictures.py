"""Labelled pictures, whatever format they came in, and the studies they make.

A picture belongs to a patient and a unit by its name: `<study>_<plane>_<number>` (what `discloop export`
writes) puts the slices of a unit together again; any other name is a study of one slice, of the patient that
the name's part before the last number gives. A pattern of one's own overrides that, for a patient's
pictures must never end up in two splits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from data_curation.importers.table import Meaning, finding_of
from domain.boxes import Box, intersection_over_union
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.taxonomy import Plane

DEFAULT_PATTERN = r"(?P<study>.+)_(?P<plane>sagittal|axial)_(?P<slice>\d+)|(?P<patient>.*?)[_ .-]*\d*"
_LARGEST = 64_000_000
_Joined = tuple[Meaning, list[SliceBox], str | None]
"""What the boxes of one finding mean, the boxes, and the finding's name."""


@dataclass(frozen=True)
class Mark:
    """A labelled box; `finding` says which boxes of a unit are one finding, where the format knows, and
    `primary` on which of them it was decided."""

    meaning: Meaning
    box: Box
    finding: str | None = None
    primary: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture and its marks."""

    path: Path
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class ImportedUnit:
    """Slices of one plane as 8- or 16-bit grey arrays, with what is known of them."""

    plane: Plane
    slices: tuple[NDArray[Any], ...]
    findings: Findings
    spacing: float | None = None
    gap: float | None = None
    midline: int | None = None
    scanner: dict[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportedStudy:
    """A study of another data set, under its names there."""

    patient: str
    study: str
    units: tuple[ImportedUnit, ...]
    unlocated: tuple[tuple[int, int | None, bool | None], ...] = ()
    """Disc index, grade and herniation of discs without a box."""
    age: int | None = None
    sex: str | None = None


def studies_of(pictures: Iterable[Picture], pattern: str = DEFAULT_PATTERN) -> list[ImportedStudy]:
    """Put pictures together to studies.

    Args:
        pictures: With their marks.
        pattern: Regular expression on a picture's name without its ending, with groups `patient` and
            optionally `study`, `plane` and `slice`.

    Raises:
        DiscLoopError: If the pattern is wrong or does not fit a name.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise DiscLoopError(f"--pattern: not a regular expression: {error}") from error
    if not {"patient", "study"} & set(expression.groupindex):
        raise DiscLoopError("--pattern: expected a group (?P<patient>…) or (?P<study>…)")
    groups: dict[tuple[str, str], dict[Plane, list[tuple[int, Picture]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for picture in sorted(pictures, key=lambda p: p.path.name):
        match = expression.fullmatch(picture.path.stem)
        if match is None:
            raise DiscLoopError(f"{picture.path}: the name does not fit --pattern")
        named = {name: value for name, value in match.groupdict().items() if value}
        study = named.get("study", picture.path.stem)
        patient = named.get("patient", study)
        plane = Plane(named.get("plane", "sagittal"))
        groups[patient, study][plane].append((int(named.get("slice", 0)), picture))
    return [
        ImportedStudy(
            patient, study, tuple(_unit(plane, members) for plane, members in sorted(units.items()))
        )
        for (patient, study), units in sorted(groups.items())
    ]


def _unit(plane: Plane, members: list[tuple[int, Picture]]) -> ImportedUnit:
    ordered = [picture for _, picture in sorted(members, key=lambda m: (m[0], m[1].path.name))]
    slices = tuple(read_picture(picture.path) for picture in ordered)
    marks = [(number, mark) for number, picture in enumerate(ordered) for mark in picture.marks]
    return ImportedUnit(plane, slices, findings_of(plane, marks))


def read_picture(path: Path) -> NDArray[Any]:
    """A grey picture, 8 or 16 bits.

    Raises:
        DiscLoopError: If it is not one.
    """
    with opened(path) as image:
        kept = image if image.mode in ("L", "I;16", "I") else image.convert("L")
        array = np.asarray(kept)
    return array if array.dtype == np.uint8 else np.clip(array, 0, 65535).astype(np.uint16)


@contextmanager
def opened(path: Path) -> Iterator[PillowImage.Image]:
    """A picture of a size that a slice can have; nothing of it is unpacked yet.

    Raises:
        DiscLoopError: If it is none, is larger, or turns out to be broken while it is used.
    """
    try:
        with PillowImage.open(path) as image:
            if image.width * image.height > _LARGEST:
                raise DiscLoopError(f"{path}: larger than {_LARGEST} pixels")
            yield image
    except (OSError, UnidentifiedImageError, PillowImage.DecompressionBombError) as error:
        raise DiscLoopError(f"{path}: expected a picture, cannot read it ({type(error).__name__})") from error


def findings_of(plane: Plane, marks: list[tuple[int, Mark]]) -> Findings:
    """Join the marks of a unit to findings: by their `finding`, else by overlap on neighbouring slices."""
    joined: list[_Joined] = []
    for number, mark in marks:
        own = SliceBox(slice=number, box=mark.box)
        for meaning, boxes, name in joined:
            if meaning == mark.meaning and _same(boxes, own, name, mark.finding):
                boxes.insert(0 if mark.primary else len(boxes), own)
                break
        else:
            joined.append((mark.meaning, [own], mark.finding))
    # By their numbers where the format has them, else from the lowest up.
    found = [finding_of(meaning, tuple(boxes)) for meaning, boxes, _ in sorted(joined, key=_number)]
    discs = [f for f in found if isinstance(f, Disc)]
    if any(not _number(one) for one in joined if one[0].kind == "disc"):
        discs.sort(key=lambda d: d.primary.slice if plane is Plane.AXIAL else -d.primary.box.center[1])
    return Findings(
        plane=plane,
        discs=tuple(discs),
        herniations=tuple(f for f in found if isinstance(f, Herniation)),
        hiz=tuple(f for f in found if isinstance(f, Hiz)),
    )


def _number(joined: _Joined) -> int:
    """`disc-2` as 2; 0 where a finding has no such name."""
    match = re.fullmatch(r"[a-z]+-(\d{1,4})", joined[2] or "")
    return int(match[1]) if match else 0


def _same(boxes: list[SliceBox], own: SliceBox, name: str | None, finding: str | None) -> bool:
    if any(b.slice == own.slice for b in boxes):
        return False
    if name is not None or finding is not None:
        return name == finding
    last = max(boxes, key=lambda b: b.slice)
    return last.slice == own.slice - 1 and intersection_over_union(last.box, own.box) >= 0.3
