"""Proposals: what the model says of a unit or a single slice, in the project's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from domain.boxes import Box
from domain.findings import Proposal, ProposedDisc, ProposedLesion
from domain.taxonomy import COLUMNS, Level
from ml_backend.column import Column
from ml_backend.detector.inference import Found
from ml_backend.lesions import herniation_box
from ml_backend.model import Graded, LoadedModel
from ml_backend.ordinal import entropy, median_grade
from ml_backend.plausibility import WARNINGS, PictureKind
from ml_backend.samples import GreyImage

FEWEST, MOST = 4, 10
"""Discs on a usual lumbar slice; outside it the count is warned about."""
IMPLAUSIBLE = 0.5
"""Below this probability of being an upright sagittal T2 slice, a warning says what it looks like."""
REFUSED = {PictureKind.OTHER: 0.9, PictureKind.UPSIDE_DOWN: 0.8}
"""Above these probabilities nothing is proposed: no spine, or discs that would be counted from the top."""
GRADELESS = frozenset({PictureKind.SAGITTAL_T1})
FEWEST_GREYS = 16
"""Grey values below which nothing is proposed: a real slice has a hundred, a scanned text has two."""
SACRUM = 1.0
"""Least room below the lowest disc, in distances between discs: less only where the sacrum is cut off (one of
115 real slices; nearly all that are cut between two discs)."""

CUT_BELOW = "ends just below the lowest disc found: the sacrum may be cut off, levels are not named"


@dataclass(frozen=True)
class Reading:
    """One slice, found and graded."""

    found: Found
    graded: Graded
    kinds: dict[PictureKind, float]
    size: tuple[int, int]
    greys: int

    @cached_property
    def cut_below(self) -> bool:
        """Whether the picture ends where a further disc may follow, so that none can be called the lowest."""
        boxes = self.found.column.boxes
        if len(boxes) < 2:
            return False
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        step = np.median(np.linalg.norm(np.diff(centres, axis=0), axis=1))
        return bool(self.size[1] - centres[0, 1] < SACRUM * step)


def propose_slices(model: LoadedModel, images: Sequence[GreyImage]) -> list[Proposal]:
    """One proposal a slice, each decided on that slice alone."""
    return [_proposal(model, reading, slice_index=0) for reading in _read(model, images)]


def _read(model: LoadedModel, images: Sequence[GreyImage]) -> list[Reading]:
    found = model.find(images)
    kinds = [model.kinds(item.embedding) for item in found]
    greys = [int(np.count_nonzero(cv2.calcHist([image], [0], None, [256], [0, 256]))) for image in images]
    kept = [_refuse(*parts) for parts in zip(found, kinds, greys, strict=True)]
    graded = model.grade_all([(image, item.column.boxes) for image, item in zip(images, kept, strict=True)])
    sizes = [(image.shape[1], image.shape[0]) for image in images]
    return [Reading(*parts) for parts in zip(kept, graded, kinds, sizes, greys, strict=True)]


def _refuse(found: Found, kinds: dict[PictureKind, float], greys: int) -> Found:
    """Nothing where the picture is surely of another kind, or where fewer than three discs make no column."""
    refused = greys < FEWEST_GREYS or any(kinds.get(kind, 0.0) > most for kind, most in REFUSED.items())
    if not refused and found.column.count >= 3:
        return found
    return Found(Column(found.column.boxes[:0], found.column.scores[:0], 1.0), found.embedding)


def _proposal(model: LoadedModel, reading: Reading, *, slice_index: int) -> Proposal:
    column, graded = reading.found.column, reading.graded
    likely = (
        max(reading.kinds, key=lambda kind: reading.kinds[kind]) if reading.kinds else PictureKind.SAGITTAL_T2
    )
    gradable = likely not in GRADELESS
    discs = [_disc(i, column, graded, reading, slice_index, gradable) for i in range(column.count)]
    return Proposal(
        model=model.version,
        discs=tuple(discs),
        herniations=tuple(_herniations(model, reading, slice_index)) if gradable else (),
        hiz=(),
        uncertainty=_uncertainty(reading),
        warnings=tuple(_warnings(reading)),
        embedding=tuple(round(float(value), 4) for value in reading.found.embedding),
    )


def level_of(index: int) -> Level | None:
    """The level that the disc at this position has if the column is an ordinary one; 1 is the lowest."""
    ordinary = COLUMNS[0]
    return ordinary[index - 1] if index <= len(ordinary) else None


def _level(reading: Reading, i: int) -> Level | None:
    return None if reading.cut_below else level_of(i + 1)


def _disc(
    i: int, column: Column, graded: Graded, reading: Reading, slice_index: int, gradable: bool
) -> ProposedDisc:
    probabilities = graded.grades[i].astype(np.float64)
    rounded = np.round(probabilities / probabilities.sum(), 4)
    p1, p2, p3, p4, p5 = (float(p) for p in rounded)
    return ProposedDisc(
        index=i + 1,
        level=_level(reading, i),
        slice=slice_index,
        box=_box(column.boxes[i], reading.size),
        score=round(float(np.clip(column.scores[i], 0, 1)), 4),
        pfirrmann=int(median_grade(graded.grades[i : i + 1])[0]) if gradable else None,
        pfirrmann_probs=(p1, p2, p3, p4, p5) if gradable else None,
    )


def _herniations(model: LoadedModel, reading: Reading, slice_index: int) -> list[ProposedLesion]:
    threshold = model.description.herniation_threshold
    return [
        ProposedLesion(
            level=_level(reading, i),
            slice=slice_index,
            box=_box(herniation_box(reading.found.column.boxes, i), reading.size),
            score=round(float(probability), 4),
        )
        for i, probability in enumerate(reading.graded.herniated)
        if probability >= threshold
    ]


def _box(edges: np.ndarray[tuple[int, ...], np.dtype[np.float32]], size: tuple[int, int]) -> Box:
    """Inside the slice, at least one pixel wide and high."""
    width, height = size
    x1, y1 = min(max(float(edges[0]), 0.0), width - 1.0), min(max(float(edges[1]), 0.0), height - 1.0)
    x2, y2 = min(max(float(edges[2]), x1 + 1), float(width)), min(max(float(edges[3]), y1 + 1), float(height))
    return Box(x1=round(x1, 2), y1=round(y1, 2), x2=round(x2, 2), y2=round(y2, 2))


def _uncertainty(reading: Reading) -> float:
    """0 to 1: the mean of the grades' entropies, raised by doubt about the count and the kind of picture."""
    column = reading.found.column
    if not column.count:
        return 1.0
    grades = float(entropy(reading.graded.grades).mean())
    strange = 1 - reading.kinds.get(PictureKind.SAGITTAL_T2, 1.0)
    doubt = 1.0 if reading.cut_below else column.doubt
    return round(float(1 - (1 - grades) * (1 - 0.5 * doubt) * (1 - strange)), 4)


def _warnings(reading: Reading) -> list[str]:
    column, kinds, warnings = reading.found.column, reading.kinds, []
    if reading.greys < FEWEST_GREYS:
        warnings.append(f"grey values: {reading.greys}, too few to read")
    if kinds and kinds[PictureKind.SAGITTAL_T2] < IMPLAUSIBLE:
        unusual = {kind: p for kind, p in kinds.items() if kind is not PictureKind.SAGITTAL_T2}
        warnings.append(WARNINGS[max(unusual, key=lambda kind: unusual[kind])])
    if not column.count:
        warnings.append("no column of discs found")
    elif not FEWEST <= column.count <= MOST:
        warnings.append(f"{column.count} discs found, {FEWEST} to {MOST} expected")
    if reading.cut_below:
        warnings.append(CUT_BELOW)
    if column.count and column.doubt > 0.5:
        warnings.append("the count of discs is in doubt: check the lowest and the uppermost")
    return warnings
