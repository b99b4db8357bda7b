"""Make a DICOM MR series from slices at hand: a phantom's, a public data set's PNG, a volume's.

The pixels keep their source; the headers are what a scanner would have written for them. A series made from
fewer real slices than it has is a simulation and is to be named so by whoever makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from domain.errors import DiscLoopError
from domain.taxonomy import Plane

ORIENTATION: dict[Plane, tuple[float, ...]] = {
    Plane.SAGITTAL: (0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
    Plane.AXIAL: (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
}
"""Row and column directions (PS3.3 C.7.6.2): columns run to the back, or to the patient's left."""

_MULTIVALUED = ("SoftwareVersions", "ScanningSequence", "SequenceVariant", "ImageType", "PixelSpacing")
_NOT_HEADER = {"new_file_name", "num_vertebrae", "num_discs", "subset", "sex", "birth_date"}


@dataclass(frozen=True)
class WrittenSeries:
    """What was written, in the order of the arrays given."""

    study_uid: str
    series_uid: str
    sop_uids: tuple[str, ...]
    paths: tuple[Path, ...]
    positions: tuple[tuple[float, float, float], ...]
    """ImagePositionPatient of each slice: centre of its first pixel, millimetres LPS."""


def header_from_overview(row: Mapping[str, str]) -> dict[str, Any]:
    """The DICOM attributes of one line of SPIDER's `overview.csv`, ready for `write_series`.

    Blank cells are left out, lists such as `['SE', 'IR']` become several values.
    """
    header: dict[str, Any] = {}
    for keyword, cell in row.items():
        if keyword in _NOT_HEADER or not cell:
            continue
        header[keyword] = _listed(cell) if keyword in _MULTIVALUED else cell
    if row.get("sex"):
        header["PatientSex"] = row["sex"].strip()
    return header


def _listed(cell: str) -> list[str]:
    return [part.strip().strip("'\"") for part in cell.strip("[]").split(",")]


def write_series(
    arrays: Sequence[NDArray[Any]],
    out_dir: Path,
    *,
    plane: Plane,
    spacing: float | tuple[float, float],
    slice_spacing: float,
    header: Mapping[str, Any],
    patient_name: str,
    patient_id: str,
    study_uid: str | None = None,
    series_uid: str | None = None,
    series_number: int = 1,
    positions: Sequence[Sequence[float]] | None = None,
    orientations: Sequence[Sequence[float]] | None = None,
    seed: str | None = None,
    prefix: str = "IM",
) -> WrittenSeries:
    """Write one file a slice.

    Args:
        arrays: Slices of one shape, rows x columns, uint8 or uint16 (values 0 to 65535).
        out_dir: Folder, made if absent.
        plane: Decides the orientation where `orientations` gives none.
        spacing: Millimetres between rows and between columns, or one number for both.
        slice_spacing: Millimetres from slice to slice. Sagittal slices run from the patient's right to the
            left, axial ones from the feet up.
        header: More attributes by DICOM keyword; they win over what is set here.
        patient_name: `PatientName`. Invent it.
        patient_id: `PatientID`. Invent it.
        study_uid: Made if absent; series of one study share it.
        series_uid: Made if absent.
        series_number: `SeriesNumber`.
        positions: `ImagePositionPatient` of every slice, where the stack is not a plain one.
        orientations: `ImageOrientationPatient` of every slice.
        seed: The same seed makes the same identifiers; without one they are random.
        prefix: Start of the file names.

    Raises:
        DiscLoopError: If there is no slice, a shape differs, or values do not fit 16 bits.
    """
    stack = _checked(arrays, out_dir)
    rows, columns = (spacing, spacing) if isinstance(spacing, float | int) else spacing
    study = study_uid or _uid(seed, "study", patient_id)
    series = series_uid or _uid(seed, "series", study, str(series_number), plane.value)
    where = (
        list(positions) if positions is not None else _plain_stack(stack, plane, rows, columns, slice_spacing)
    )
    out_dir.mkdir(parents=True, exist_ok=True)
    frame = _uid(seed, "frame", study)
    paths, uids = [], []
    for number, pixels in enumerate(stack):
        sop = _uid(seed, "sop", series, str(number))
        dataset = _template(header, patient_name, patient_id)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPInstanceUID, dataset.FrameOfReferenceUID = sop, frame
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(sop)
        dataset.SeriesNumber, dataset.InstanceNumber = series_number, number + 1
        dataset.PixelSpacing = [round(rows, 6), round(columns, 6)]
        dataset.ImagePositionPatient = [round(float(v), 4) for v in where[number]]
        direction = orientations[number] if orientations is not None else ORIENTATION[plane]
        dataset.ImageOrientationPatient = [round(float(v), 6) for v in direction]
        dataset.setdefault("SpacingBetweenSlices", f"{slice_spacing:g}")
        dataset.setdefault("SliceThickness", f"{slice_spacing * 0.9:g}")
        _set_pixels(dataset, pixels)
        path = out_dir / f"{prefix}{number + 1:04d}"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
        uids.append(sop)
    placed = tuple((float(p[0]), float(p[1]), float(p[2])) for p in where)
    return WrittenSeries(study, series, tuple(uids), tuple(paths), placed)


def _checked(arrays: Sequence[NDArray[Any]], out_dir: Path) -> list[NDArray[np.uint16]]:
    if not arrays:
        raise DiscLoopError(f"{out_dir}: a series needs at least one slice, got none")
    shapes = {a.shape for a in arrays}
    if len(shapes) != 1 or len(arrays[0].shape) != 2:
        raise DiscLoopError(f"{out_dir}: slices must be rows x columns of one shape, got {sorted(shapes)}")
    if min(a.min() for a in arrays) < 0 or max(a.max() for a in arrays) > 65535:
        raise DiscLoopError(f"{out_dir}: pixel values must be within 0 to 65535")
    return [np.ascontiguousarray(a, dtype=np.uint16) for a in arrays]


def _plain_stack(
    stack: Sequence[NDArray[np.uint16]], plane: Plane, rows: float, columns: float, step: float
) -> list[tuple[float, float, float]]:
    height, width = stack[0].shape[0] * rows, stack[0].shape[1] * columns
    middle = (len(stack) - 1) / 2
    if plane is Plane.SAGITTAL:
        return [((i - middle) * step, -width / 2, height / 2) for i in range(len(stack))]
    return [(-width / 2, -height / 2, (i - middle) * step) for i in range(len(stack))]


def _uid(seed: str | None, *parts: str) -> str:
    return str(generate_uid(entropy_srcs=[seed, *parts] if seed is not None else None))


def _template(header: Mapping[str, Any], patient_name: str, patient_id: str) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.ImplementationClassUID = generate_uid(entropy_srcs=["discloop"])
    # First, for it says how the names are written.
    dataset.SpecificCharacterSet = header.get("SpecificCharacterSet") or "ISO_IR 192"
    dataset.SOPClassUID = MRImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.Modality = "MR"
    dataset.PatientName, dataset.PatientID = patient_name, patient_id
    today = datetime(2020, 1, 1, tzinfo=UTC)
    dataset.StudyDate, dataset.StudyTime = f"{today:%Y%m%d}", "101500"
    for keyword, value in header.items():
        setattr(dataset, keyword, value)
    return dataset


def _set_pixels(dataset: Dataset, pixels: NDArray[np.uint16]) -> None:
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.setdefault("PhotometricInterpretation", "MONOCHROME2")
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW"
