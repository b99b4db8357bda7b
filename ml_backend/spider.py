"""The public training data: SPIDER slices, gradings and masks, and disc volumes, from one folder.

SPIDER: van der Graaf et al. 2024, Scientific Data 11:264, doi 10.1038/s41597-024-03090-w, CC BY 4.0.
Volumes with disc masks: Menezes-Reis et al. 2016, doi 10.21037/qims.2016.08.01.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from domain.errors import DiscLoopError
from ml_backend.samples import BoxArray, GreyImage, LabelledSlice, Origin, lowest_first, ungraded

DISC_CLASS = 1
MIN_COMPONENT = 0.3
"""Fragments below this share of the median disc's area are speckle."""
SPACE_MIDDLE = 2
"""T2 SPACE slices on each side of the middle one that carry grades."""
SPACE_WEIGHT = 0.5
MARGIN = 0.155
"""Drawn boxes are wider and taller than the masks by this share of the discs' spacing (median of 14 patients
that have both); boxes from masks are grown by it so that both teach the same border."""

UPSIDE_DOWN = {"t1": frozenset({"52", "55", "57"}), "t2": frozenset({"57"})}
"""Patients whose slice is stored with the sacrum on top, by sequence: found by eye among all slices, none of
which is mirrored. The boxes drawn for 57 are those of the slice turned over."""


def load_graded(folder: Path) -> list[LabelledSlice]:
    """The middle T2 slices of all graded patients, with drawn boxes where there are any.

    Boxes are kept where their number is the number of graded discs; other patients come as unboxed, because
    it is not known which disc of theirs is missing.
    """
    gradings, drawn = (
        _read_gradings(folder / "spider/gradings.csv"),
        _read_boxes(folder / "spider/disc_boxes.csv"),
    )
    slices = []
    for patient, rows in sorted(gradings.items(), key=lambda item: int(item[0])):
        if not (folder / f"spider/t2/{patient}.png").exists():
            continue
        grades = np.array([_one_hot(row["Pfirrman grade"]) for row in rows], np.float32)
        herniated = np.array([float(row["Disc herniation"] or "nan") for row in rows], np.float32)
        boxes = drawn.get(patient)
        fits = boxes is not None and len(boxes) == len(rows)
        slices.append(
            LabelledSlice(
                patient=f"spider-{patient}",
                name=f"t2/{patient}",
                image=read_upright(folder, "t2", patient),
                origin=Origin.DRAWN if fits else Origin.UNBOXED,
                boxes=boxes if fits else None,
                grades=grades,
                herniated=herniated,
                weights=np.ones(len(rows), np.float32),
            )
        )
    if not slices:
        raise DiscLoopError(f"expected graded T2 slices in {folder}/spider/t2, found none")
    return slices


def load_miscounted(folder: Path) -> list[LabelledSlice]:
    """Slices whose drawn boxes are not as many as the graded discs: for finding discs, not for grades."""
    gradings, drawn = (
        _read_gradings(folder / "spider/gradings.csv"),
        _read_boxes(folder / "spider/disc_boxes.csv"),
    )
    return [
        ungraded(f"spider-{p}", f"boxes/{p}", read_upright(folder, "t2", p), boxes, Origin.DRAWN)
        for p, boxes in sorted(drawn.items())
        if len(boxes) != len(gradings.get(p, []))
    ]


def load_masked(folder: Path) -> list[LabelledSlice]:
    """T2 SPACE slices with disc boxes from the masks' connected components.

    The middle slices of a patient whose boxes are as many as the graded discs carry the patient's grades, at
    `SPACE_WEIGHT`: the reader graded the study, not this sequence.
    """
    gradings = _read_gradings(folder / "spider/gradings.csv")
    slices = []
    for patient in sorted((folder / "spider/t2_space").iterdir()):
        masks = sorted(patient.glob("*_mask.png"))
        middle = range(len(masks) // 2 - SPACE_MIDDLE, len(masks) // 2 + SPACE_MIDDLE + 1)
        for position, path in enumerate(masks):
            boxes = boxes_of_mask(read_grey(path) == DISC_CLASS)
            if len(boxes) < 4:
                continue
            number, rows = path.stem.removesuffix("_mask"), gradings.get(patient.name, [])
            name, image = (
                f"t2_space/{patient.name}/{number}",
                read_grey(path.with_name(f"{path.stem[:-5]}.png")),
            )
            item = ungraded(f"spider-{patient.name}", name, image, boxes, Origin.MASK)
            if position in middle and len(rows) == len(boxes):
                item = replace(
                    item,
                    grades=np.array([_one_hot(row["Pfirrman grade"]) for row in rows], np.float32),
                    herniated=np.array([float(row["Disc herniation"] or "nan") for row in rows], np.float32),
                    weights=np.full(len(rows), SPACE_WEIGHT, np.float32),
                )
            slices.append(item)
    return slices


def load_volumes(folder: Path) -> list[LabelledSlice]:
    """Sagittal slices near the middle of the disc volumes, cut below the first disc without a mask."""
    slices = []
    for path in sorted((folder / "volumes").glob("ivd_*.npz")):
        with np.load(path) as volume:
            image, mask = volume["image"], volume["mask"]
        middle = image.shape[2] // 2
        for index in range(middle - 6, middle + 7, 3):
            boxes = boxes_of_instances(mask[:, :, index])
            if len(boxes) < 4:
                continue
            top = max(0, int(boxes[-1, 1] - 0.45 * spacing_of(boxes)))
            name = f"volumes/{path.stem}/{index}"
            cut = np.ascontiguousarray(image[top:, :, index])
            shifted = boxes - np.array([0, top, 0, top], np.float32)
            slices.append(ungraded(path.stem, name, cut, shifted, Origin.VOLUME))
    return slices


def read_grey(path: Path) -> GreyImage:
    """An image file as (height, width) uint8."""
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DiscLoopError(f"expected a readable image, got {path}")
    return np.asarray(image, np.uint8)


def read_upright(folder: Path, sequence: str, patient: str) -> GreyImage:
    """A patient's middle slice of a sequence, "t1" or "t2", turned over if it is stored upside down."""
    image = read_grey(folder / f"spider/{sequence}/{patient}.png")
    return np.ascontiguousarray(image[::-1]) if patient in UPSIDE_DOWN[sequence] else image


def boxes_of_mask(discs: npt.NDArray[np.bool_]) -> BoxArray:
    """Boxes of the discs of a mask without instances: connected components, fragments joined.

    Args:
        discs: (height, width), True on any disc.

    Returns:
        (discs, 4) in pixels, grown by `MARGIN`, lowest first.
    """
    _, _, stats, _ = cv2.connectedComponentsWithStats(discs.astype(np.uint8))
    parts = [row for row in stats[1:] if row[4] >= 20]
    if not parts:
        return np.zeros((0, 4), np.float32)
    typical = float(np.median([row[4] for row in parts]))
    kept = [
        np.array([x, y, x + w, y + h], float) for x, y, w, h, area in parts if area >= MIN_COMPONENT * typical
    ]
    return _grow(lowest_first(np.array(_join_fragments(kept), np.float32)))


def boxes_of_instances(instances: npt.NDArray[np.integer]) -> BoxArray:
    """Boxes of a mask with one number a disc, (discs, 4), grown by `MARGIN`, lowest first."""
    boxes = []
    for number in np.unique(instances):
        rows, columns = np.nonzero(instances == number)
        if number and len(rows) >= 20:
            boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    if not boxes:
        return np.zeros((0, 4), np.float32)
    return _grow(lowest_first(np.array(boxes, np.float32)))


def spacing_of(boxes: BoxArray) -> float:
    """Median distance between the middles of neighbouring discs, in pixels; boxes lowest first."""
    if len(boxes) < 2:
        return float("nan")
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return float(np.median(np.linalg.norm(np.diff(middles, axis=0), axis=1)))


def _join_fragments(boxes: list[npt.NDArray[np.float64]]) -> list[npt.NDArray[np.float64]]:
    """Join boxes that share most of their height: a disc split by a dark cleft is one disc."""
    joined: list[npt.NDArray[np.float64]] = []
    for box in sorted(boxes, key=lambda edges: -(edges[2] - edges[0])):
        for other in joined:
            shared = min(box[3], other[3]) - max(box[1], other[1])
            if shared > 0.5 * min(box[3] - box[1], other[3] - other[1]):
                other[:2], other[2:] = np.minimum(other[:2], box[:2]), np.maximum(other[2:], box[2:])
                break
        else:
            joined.append(box.copy())
    return joined


def _grow(boxes: BoxArray) -> BoxArray:
    if len(boxes) < 2:
        return boxes
    by = MARGIN * spacing_of(boxes) / 2
    return boxes + np.array([-by, -by, by, by], np.float32)


def _one_hot(grade: str) -> list[float]:
    return [float(grade == str(value)) for value in range(1, 6)] if grade else [float("nan")] * 5


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        raise DiscLoopError(f"expected the table {path}")
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _read_gradings(path: Path) -> dict[str, list[dict[str, str]]]:
    by_patient: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(path):
        by_patient[row["Patient"]].append(row)
    return {
        patient: sorted(rows, key=lambda row: int(row["IVD label"])) for patient, rows in by_patient.items()
    }


def _read_boxes(path: Path) -> dict[str, BoxArray]:
    by_patient: dict[str, list[list[float]]] = defaultdict(list)
    for row in _rows(path):
        by_patient[row["patient"]].append([float(row[edge]) for edge in ("x1", "y1", "x2", "y2")])
    return {patient: lowest_first(np.array(boxes, np.float32)) for patient, boxes in by_patient.items()}
