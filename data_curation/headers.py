"""What curation reads of a DICOM header: typed, checked, and without anything that names a person."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from datetime import date

import pydicom
from pydicom.dataset import Dataset

from data_curation.discovery import Source, looks_like_dicom
from data_curation.elements import DAMAGE, date_of, number_of, quietly, text_of, value_of, years_of
from data_curation.geometry import BadGeometry, Placement, placement

MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4.1"
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_AT_MOST, _PIECE = 2048, 1 << 16


class Unusable(Exception):
    """A file or series that cannot be used; the reason tells nothing about a patient."""

    def __init__(self, reason: str, value: float | None = None) -> None:
        """`value` is the measure that was beyond its threshold, where one was."""
        super().__init__(reason)
        self.value = value


@dataclass(frozen=True)
class Acquisition:
    """How a series was acquired; times in milliseconds."""

    repetition: float | None
    echo: float | None
    inversion: float | None
    names: str
    """ScanningSequence, SequenceVariant, ScanOptions and SequenceName, upper case."""
    image_type: tuple[str, ...]
    contrast_agent: bool
    description: str
    """Description, protocol and body part, lower case: a tie-break only, never stored."""
    dimensions: str
    """`2D` or `3D`."""
    field: float | None
    thickness: float | None
    manufacturer: str
    model: str
    flip: float | None
    echo_train: float | None


@dataclass(frozen=True)
class Instance:
    """One slice: a classic file, or one frame of an enhanced one."""

    source: Source
    frame: int | None
    sop_uid: str
    series_uid: str
    series_number: int
    number: int
    placed: Placement
    acquired: Acquisition
    burned_in: bool


@dataclass(frozen=True)
class Person:
    """Whose a file is. Identifying: kept in memory, never stored."""

    patient_id: str
    issuer: str
    study_uid: str
    sex: str
    age: int | None
    study_date: date | None


def read_header(stream: io.BufferedIOBase, most: int) -> Dataset:
    """The attributes curation needs, pixels left unread.

    Args:
        stream: A file, from its start.
        most: Bytes that a deflated file may unpack to.

    Raises:
        Unusable: If it is not DICOM, damaged, not an MR image, or unpacks beyond the limit.
    """
    if not looks_like_dicom(stream):
        raise Unusable("not DICOM")
    _refuse_bomb(stream, most)
    with quietly():
        try:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
            kind = str(value_of(dataset, "SOPClassUID") or "")
        except DAMAGE as error:
            raise Unusable("damaged DICOM") from error
    if kind in (MR_STORAGE, ENHANCED_MR_STORAGE):
        return dataset
    raise Unusable("not an MR image" if kind else "SOPClassUID: missing")


def _refuse_bomb(stream: io.BufferedIOBase, most: int) -> None:
    """Unpack a deflated file piece by piece: pydicom would unpack all of it at once."""
    head = stream.read(_META_AT_MOST)
    stream.seek(0)
    if _DEFLATED not in head or len(head) < 144:
        return
    stream.seek(144 + int.from_bytes(head[140:144], "little"))
    unpacker, total = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        piece = stream.read(_PIECE)
        while piece and total <= most:
            total += len(unpacker.decompress(piece, 16 * _PIECE))
            piece = unpacker.unconsumed_tail or stream.read(_PIECE)
    except zlib.error as error:
        raise Unusable("damaged DICOM") from error
    if total > most:
        raise Unusable("file unpacks beyond the limit")
    stream.seek(0)


def read_person(dataset: Dataset) -> Person:
    """Whose the file is.

    Raises:
        Unusable: If the study or the patient is not told.
    """
    with quietly():
        patient = text_of(dataset, "PatientID") or text_of(dataset, "PatientName")
        study = text_of(dataset, "StudyInstanceUID")
        issuer = text_of(dataset, "IssuerOfPatientID")
        sex = text_of(dataset, "PatientSex").upper()
        studied = date_of(dataset, "StudyDate")
        age = _age(dataset, studied)
    if not study:
        raise Unusable("StudyInstanceUID: missing")
    if not patient:
        raise Unusable("PatientID: missing")
    return Person(
        patient_id=patient,
        issuer=issuer,
        study_uid=study,
        sex=sex if sex in ("F", "M", "O") else "",
        age=age if age is not None and 0 <= age <= 130 else None,
        study_date=studied,
    )


def _age(dataset: Dataset, studied: date | None) -> int | None:
    age, born = years_of(dataset, "PatientAge"), date_of(dataset, "PatientBirthDate")
    if age is None and studied is not None and born is not None:
        return studied.year - born.year - ((studied.month, studied.day) < (born.month, born.day))
    return age


def read_instances(dataset: Dataset, source: Source) -> list[Instance]:
    """The slices of a file: one of a classic MR image, one a frame of an enhanced one.

    Raises:
        Unusable: Naming the attribute that is missing or wrong.
    """
    with quietly():
        try:
            if text_of(dataset, "SOPClassUID") == ENHANCED_MR_STORAGE:
                return _frames(dataset, source)
            return [_instance(dataset, source, None, dataset, dataset, dataset)]
        except Unusable:
            raise
        except BadGeometry as error:
            raise Unusable(str(error)) from error
        except DAMAGE as error:
            raise Unusable("damaged header value") from error


def _frames(dataset: Dataset, source: Source) -> list[Instance]:
    shared = dataset.SharedFunctionalGroupsSequence[0]
    frames = dataset.PerFrameFunctionalGroupsSequence
    found = []
    for index, own in enumerate(frames):
        groups = {}
        for keyword in (
            "PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence", "MREchoSequence",
            "MRTimingAndRelatedParametersSequence", "MRImageFrameTypeSequence", "MRModifierSequence",
        ):  # fmt: skip
            holder = own if keyword in own else shared
            for element in holder[keyword].value[0] if keyword in holder else ():
                groups[element.tag] = element
        flat = Dataset(groups)
        if "EffectiveEchoTime" in flat:
            flat.EchoTime = flat.EffectiveEchoTime
        if "FrameType" in flat:
            flat.ImageType = flat.FrameType
        found.append(_instance(dataset, source, index, flat, flat, flat))
    return found


def _instance(
    dataset: Dataset, source: Source, frame: int | None, where: Dataset, timing: Dataset, kind: Dataset
) -> Instance:
    geometry = []
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing"):
        geometry.append(value_of(where, keyword))
        if not geometry[-1]:
            raise Unusable(f"{keyword}: missing")
    if int(value_of(dataset, "SamplesPerPixel") or 1) != 1:
        raise Unusable("SamplesPerPixel: a colour image")
    rows, columns = int(value_of(dataset, "Rows")), int(value_of(dataset, "Columns"))
    if rows < 32 or columns < 32:
        raise Unusable("Rows, Columns: fewer than 32")
    placed = placement(geometry[0], geometry[1], geometry[2], rows, columns)
    series = text_of(dataset, "SeriesInstanceUID")
    if not series:
        raise Unusable("SeriesInstanceUID: missing")
    return Instance(
        source=source,
        frame=frame,
        sop_uid=text_of(dataset, "SOPInstanceUID"),
        series_uid=series,
        series_number=int(number_of(dataset, "SeriesNumber") or 0),
        number=int(number_of(dataset, "InstanceNumber") or 0) if frame is None else frame,
        placed=placed,
        acquired=_acquisition(dataset, timing, kind),
        burned_in=text_of(dataset, "BurnedInAnnotation").upper() == "YES",
    )


def _acquisition(dataset: Dataset, timing: Dataset, kind: Dataset) -> Acquisition:
    def first(keyword: str) -> float | None:
        own = number_of(timing, keyword)
        return own if own is not None else number_of(dataset, keyword)

    names = ("ScanningSequence", "SequenceVariant", "ScanOptions", "SequenceName", "AcquisitionContrast")
    words = ("SeriesDescription", "ProtocolName", "BodyPartExamined")
    return Acquisition(
        repetition=first("RepetitionTime"),
        echo=first("EchoTime"),
        inversion=first("InversionTime"),
        names=" ".join(text_of(dataset, k) for k in names).upper(),
        image_type=tuple(p.strip().upper() for p in text_of(kind, "ImageType").split("\\")),
        contrast_agent=bool(text_of(dataset, "ContrastBolusAgent")),
        description=" ".join(text_of(dataset, k) for k in words).lower(),
        dimensions=text_of(dataset, "MRAcquisitionType").upper(),
        field=number_of(dataset, "MagneticFieldStrength"),
        thickness=first("SliceThickness"),
        manufacturer=text_of(dataset, "Manufacturer"),
        model=text_of(dataset, "ManufacturerModelName"),
        flip=first("FlipAngle"),
        echo_train=first("EchoTrainLength"),
    )
