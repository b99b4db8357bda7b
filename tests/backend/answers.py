"""What readers submit, as Label Studio's result JSON."""

from __future__ import annotations

from typing import Any

from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import Plane
from labeling_configs.codec import SliceSize, encode_findings
from tests.backend.fakes import five_discs
from tests.backend.stores import SIZE, SLICES

SIZES = [SliceSize(SIZE, SIZE)] * SLICES


def graded(*grades: int, comment: str = "") -> list[dict[str, Any]]:
    """A sagittal reading: five discs with these grades, lowest first."""
    discs = tuple(
        Disc(boxes=(SliceBox(slice=2, box=disc.box),), level=disc.level, pfirrmann=grade)
        for disc, grade in zip(five_discs(2), grades or (3, 3, 3, 2, 1), strict=True)
    )
    return encode_findings(Findings(plane=Plane.SAGITTAL, discs=discs, comment=comment), slices=SIZES)


def ungraded() -> list[dict[str, Any]]:
    """A sagittal reading that forgot every grade."""
    discs = tuple(Disc(boxes=(SliceBox(slice=2, box=disc.box),), level=disc.level) for disc in five_discs(2))
    return encode_findings(Findings(plane=Plane.SAGITTAL, discs=discs), slices=SIZES)
