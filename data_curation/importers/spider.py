"""SPIDER (van der Graaf et al., Sci Data 11, 264, 2024): as published, or as middle slices in PNG.

As published: `images/<n>_t2.mha`, `masks/<n>_t2.mha` (1-9 vertebrae, 100 canal, 201-209 discs, counted from
below), `radiological_gradings.csv`, `overview.csv`. As PNG: `t2/<n>.png`, `gradings.csv`, `disc_boxes.csv`,
`overview.csv`. Where a disc has a grade and no box, the grade is kept as `unlocated`.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from data_curation.importers.pictures import ImportedStudy, ImportedUnit, read_picture
from data_curation.importers.table import Table
from data_curation.scanners import maker_of, model_of
from domain.boxes import Box
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import Level, Plane, name_column

_DISC_LABELS = range(201, 220)
_LEAST_PIXELS = 30
_HEADER = 1 << 16
_MOST_VOXELS = 400_000_000


@dataclass(frozen=True)
class _Grading:
    grade: int | None
    herniation: bool | None


def read(source: Path, table: Table) -> Iterator[ImportedStudy]:
    """All T2 studies of the folder; `table` is not used, for the data set's codes are its own.

    Raises:
        DiscLoopError: Naming the file, line and column that is wrong.
    """
    gradings = _gradings(source)
    headers = {row["new_file_name"]: row for row in _rows(source / "overview.csv", required=False)}
    if (source / "t2").is_dir():
        boxes = _boxes(source / "disc_boxes.csv")
        for path in sorted((source / "t2").glob("*.png"), key=lambda p: _number(p.stem)):
            yield _from_picture(
                path, gradings[path.stem], boxes[path.stem], headers.get(f"{path.stem}_t2", {})
            )
    elif (source / "images").is_dir():
        for path in sorted((source / "images").glob("*_t2.mha"), key=lambda p: _number(p.stem)):
            yield _from_volume(path, source / "masks" / path.name, gradings, headers)
    else:
        raise DiscLoopError(f"{source}: expected SPIDER's folder images/ (as published) or t2/ (PNG)")


def _number(stem: str) -> tuple[int, str]:
    digits = stem.partition("_")[0]
    return (int(digits) if digits.isdigit() else 0, stem)


def _rows(path: Path, *, required: bool = True) -> list[dict[str, str]]:
    if not path.exists() and not required:
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DiscLoopError(f"{path}: expected a CSV file, got {type(error).__name__}") from error


def _gradings(source: Path) -> dict[str, dict[int, _Grading]]:
    path = next(
        (p for p in (source / "gradings.csv", source / "radiological_gradings.csv") if p.exists()), None
    )
    if path is None:
        raise DiscLoopError(f"{source}: expected gradings.csv or radiological_gradings.csv")
    found: dict[str, dict[int, _Grading]] = defaultdict(dict)
    for line, row in enumerate(_rows(path), start=2):
        try:
            grade, hernia = row["Pfirrman grade"].strip(), row["Disc herniation"].strip()
            own = _Grading(int(float(grade)) if grade else None, bool(float(hernia)) if hernia else None)
            if own.grade is not None and not 1 <= own.grade <= 5:
                raise ValueError("Pfirrman grade")
            found[row["Patient"].strip()][int(float(row["IVD label"]))] = own
        except (KeyError, ValueError, AttributeError) as error:
            raise DiscLoopError(f"{path}, line {line}: {error}: not a grading") from error
    return found


def _boxes(path: Path) -> dict[str, dict[int, Box]]:
    found: dict[str, dict[int, Box]] = defaultdict(dict)
    for line, row in enumerate(_rows(path, required=False), start=2):
        try:
            box = Box.from_list([float(row[edge]) for edge in ("x1", "y1", "x2", "y2")])
            found[row["patient"].strip()][int(row["disc"])] = box
        except (KeyError, ValueError) as error:
            raise DiscLoopError(f"{path}, line {line}: not a box: {error}") from error
    return found


def _levels(indices: list[int]) -> dict[int, Level | None]:
    """Levels by position, the lowest disc being L5/S1: an assumption that a transitional vertebra breaks."""
    if not indices:
        return {}
    column = name_column(max(indices), 1, Level.L5_S1)
    return {index: column[index - 1] for index in indices}


def _unlocated(
    gradings: dict[int, _Grading], located: set[int]
) -> tuple[tuple[int, int | None, bool | None], ...]:
    return tuple(
        (index, None if index in located else own.grade, own.herniation)
        for index, own in sorted(gradings.items())
        if index not in located or own.herniation
    )


def _scanner(row: dict[str, str]) -> tuple[float | None, dict[str, str | float], str | None]:
    """Spacing, scanner and sex of an overview's line."""
    values: dict[str, str | float] = {}
    if row.get("Manufacturer"):
        values["manufacturer"] = maker_of(row["Manufacturer"])
    model = model_of(row.get("ManufacturerModelName", ""))
    if model:
        values["model"] = model
    for name, column in (
        ("field_strength", "MagneticFieldStrength"), ("repetition_time", "RepetitionTime"),
        ("echo_time", "EchoTime"), ("slice_thickness", "SliceThickness"),
    ):  # fmt: skip
        if row.get(column):
            values[name] = float(row[column])
    spacing = row.get("PixelSpacing", "").strip("[]").split(",")[0]
    sex = row.get("sex", "").strip()
    return (float(spacing) if spacing else None), values, sex if sex in ("F", "M") else None


def _from_picture(
    path: Path, gradings: dict[int, _Grading], boxes: dict[int, Box], row: dict[str, str]
) -> ImportedStudy:
    spacing, scanner, sex = _scanner(row)
    levels = _levels([*gradings, *boxes])
    discs = tuple(
        Disc(
            boxes=(SliceBox(slice=0, box=box),),
            level=levels[index],
            pfirrmann=gradings[index].grade if index in gradings else None,
        )
        for index, box in sorted(boxes.items())
    )
    unit = ImportedUnit(
        plane=Plane.SAGITTAL,
        slices=(read_picture(path),),
        findings=Findings(plane=Plane.SAGITTAL, discs=discs),
        spacing=spacing,
        scanner=scanner,
    )
    name = f"spider-{path.stem}"
    return ImportedStudy(name, name, (unit,), _unlocated(gradings, set(boxes)), sex=sex)


def _from_volume(
    path: Path, mask_path: Path, gradings: dict[str, dict[int, _Grading]], headers: dict[str, dict[str, str]]
) -> ImportedStudy:
    image, spacing, gap = _volume(path)
    mask, _, _ = _volume(mask_path)
    if mask.shape != image.shape:
        raise DiscLoopError(f"{mask_path}: shape {mask.shape} differs from the image's {image.shape}")
    patient = path.stem.partition("_")[0]
    own = gradings.get(patient, {})
    _, scanner, sex = _scanner(headers.get(path.stem, {}))
    discs = _discs(mask, own)
    slices = tuple(np.ascontiguousarray(np.clip(plane, 0, 65535), dtype=np.uint16) for plane in image)
    midlines = sorted(d.primary.slice for d in discs)
    unit = ImportedUnit(
        plane=Plane.SAGITTAL,
        slices=slices,
        findings=Findings(plane=Plane.SAGITTAL, discs=tuple(discs)),
        spacing=spacing,
        gap=gap,
        midline=midlines[len(midlines) // 2] if midlines else len(slices) // 2,
        scanner=scanner,
    )
    located = {label - 200 for label in _DISC_LABELS if (mask == label).sum() >= _LEAST_PIXELS}
    name = f"spider-{patient}"
    return ImportedStudy(name, name, (unit,), _unlocated(own, located), sex=sex)


def _volume(path: Path) -> tuple[NDArray[Any], float, float]:
    """Slices x rows x columns from the patient's right to the left, upright, anterior left; square pixels."""
    try:
        image = sitk.DICOMOrient(_read_alone(path), "LPS")  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError) as error:
        raise DiscLoopError(f"{path}: expected a volume that SimpleITK reads") from error
    array = sitk.GetArrayFromImage(image)
    gap, across, down = image.GetSpacing()
    sagittal = np.ascontiguousarray(array.transpose(2, 0, 1)[:, ::-1, :])
    if abs(across / down - 1) > 0.005:
        nearest = np.clip(
            np.rint(np.arange(round(array.shape[0] * down / across)) * across / down), 0, array.shape[0] - 1
        )
        sagittal = sagittal[:, nearest.astype(int)]
    return sagittal, float(across), float(gap)


def _read_alone(path: Path) -> Any:
    """The volume in this very file: a MetaImage can name any other file for its voxels, and any size."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    # The first mention ends the header, and has to be the plain one.
    before, _, after = head.partition(b"ElementDataFile")
    if not before.endswith(b"\n") or not after.startswith((b" = LOCAL\n", b" = LOCAL\r\n")):
        raise DiscLoopError(f"{path}: its voxels lie in another file, or nowhere")
    reader: Any = sitk.ImageFileReader()  # type: ignore[no-untyped-call]
    reader.SetImageIO("MetaImageIO")
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    if math.prod(reader.GetSize()) > _MOST_VOXELS:
        raise DiscLoopError(f"{path}: larger than {_MOST_VOXELS} voxels")
    return reader.Execute()


def _discs(mask: NDArray[Any], gradings: dict[int, _Grading]) -> list[Disc]:
    found = []
    present = [label for label in _DISC_LABELS if (mask == label).sum() >= _LEAST_PIXELS]
    levels = _levels([label - 200 for label in present])
    for label in present:
        covered = mask == label
        sizes = covered.sum(axis=(1, 2))
        middle = round(float((np.arange(len(sizes)) * sizes).sum() / sizes.sum()))
        boxes = [SliceBox(slice=k, box=_bounds(covered[k])) for k in np.flatnonzero(sizes >= _LEAST_PIXELS)]
        boxes.sort(key=lambda b: (abs(b.slice - middle), b.slice))
        if boxes:
            index = label - 200
            grade = gradings[index].grade if index in gradings else None
            found.append(Disc(boxes=tuple(boxes), level=levels[index], pfirrmann=grade))
    return found


def _bounds(covered: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    return Box(x1=float(columns[0]), y1=float(rows[0]), x2=float(columns[-1] + 1), y2=float(rows[-1] + 1))
