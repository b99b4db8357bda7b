"""Series are picked by what they are, slices turned upright, whatever syntax they came in."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from data_curation.curation import curate
from data_curation.geometry import placement, to_pixels, upright
from data_curation.headers import Acquisition
from data_curation.identity import PseudonymKey
from data_curation.policy import POLICY
from data_curation.selection import Contrast, contrast_of
from data_curation.summary import Summary
from data_curation.synthesis import write_series
from domain.manifest import Study
from domain.taxonomy import NumberingBasis, Plane
from tests.data_curation.conftest import GAP, SPACING, T2, MakeStudy, read_manifest


def _acquired(**values: object) -> Acquisition:
    usual: dict[str, object] = {
        "repetition": 3500.0, "echo": 110.0, "inversion": None, "names": "SE",
        "image_type": ("ORIGINAL", "PRIMARY"),
        "contrast_agent": False, "description": "", "dimensions": "2D", "field": 1.5, "thickness": 4.0,
        "manufacturer": "", "model": "", "flip": 90.0, "echo_train": 19.0,
    }  # fmt: skip
    return Acquisition(**{**usual, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "contrast"),
    [
        ({}, Contrast.T2),
        ({"repetition": 1000.0, "echo": 124.0}, Contrast.T2),
        ({"repetition": 600.0, "echo": 10.0}, Contrast.T1),
        ({"names": "SE\\IR", "inversion": 160.0, "echo": 60.0}, Contrast.STIR),
        ({"names": "SE\\IR", "inversion": 2200.0}, Contrast.OTHER),
        ({"names": "GR", "repetition": 900.0, "echo": 26.0}, Contrast.OTHER),
        ({"repetition": 2500.0, "echo": 30.0}, Contrast.OTHER),
        ({"repetition": None, "echo": None, "description": "sag t2 tse"}, Contrast.T2),
        ({"repetition": None, "echo": None, "description": "stir sag"}, Contrast.STIR),
        ({"repetition": None, "echo": None}, Contrast.UNKNOWN),
        ({"repetition": 3500.0, "echo": 110.0, "description": "this is t1 they say"}, Contrast.T2),
    ],
)
def test_weighting_is_measured_not_believed(values: dict[str, object], contrast: Contrast) -> None:
    assert contrast_of(_acquired(**values), POLICY.weighting) is contrast


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "MPR"]}, "derived image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "SUBTRACT"]}, "derived image"),
        ({"ContrastBolusAgent": "Gadovist"}, "after contrast agent"),
        ({"EchoTime": "10", "RepetitionTime": "600"}, "not T2: T1"),
        ({"ScanningSequence": ["SE", "IR"], "InversionTime": "150"}, "not T2: STIR"),
        ({"ScanOptions": "FS"}, "fat suppressed"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "W"]}, "fat suppressed"),
        ({"BodyPartExamined": "CSPINE", "SeriesDescription": "sag t2"}, "another part of the body"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
    ],
)
def test_what_is_left_out_and_why(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey, header: dict[str, object], reason: str
) -> None:
    make_study(**header)
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.series_rejected == {reason: 1}
    assert summary.studies_rejected == {"no usable T2 series": 1}


def test_a_thoracic_label_on_a_lumbar_series_is_no_reason(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(BodyPartExamined="TSPINE")
    assert curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY).curated == 1


def test_a_whole_spine_series_is_kept_for_numbering(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    tall = [np.pad(s, ((120, 120), (0, 0))) for s in slices]
    write_series(
        tall, tmp_path / "dicom" / "whole", plane=Plane.SAGITTAL, spacing=SPACING, slice_spacing=GAP,
        header={**T2, "SeriesDescription": "whole spine"}, patient_name="Doe^Jane", patient_id="PID-0001",
        study_uid=made.study_uid, series_number=9, seed="whole",
    )  # fmt: skip
    curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    (study,) = read_manifest(tmp_path / "store")
    assert study.numbering is NumberingBasis.WHOLE_SPINE
    assert study.localizer is not None
    with Image.open(tmp_path / "store" / study.localizer) as shown:
        assert shown.size == (160, 400)


def test_a_whole_spine_series_alone_is_named(
    slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    tall = [np.pad(s, ((120, 120), (0, 0))) for s in slices]
    write_series(
        tall, tmp_path / "dicom" / "whole", plane=Plane.SAGITTAL, spacing=SPACING, slice_spacing=GAP,
        header=T2, patient_name="Doe^Jane", patient_id="PID-0001", seed="whole",
    )  # fmt: skip
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.curated == 0
    assert summary.series_rejected == {"whole spine, and no series of the lumbar spine beside it": 1}


def test_folders_named_by_curations_own_words_are_no_leak(
    make_study: MakeStudy, tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    for path, name in zip(made.paths, ("site", "derived", "field", "missing", "test", "whole"), strict=False):
        folder = tmp_path / "dicom" / name
        folder.mkdir()
        path.rename(folder / path.name)
        (folder / "empty.dcm").touch()
    assert curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY).curated == 1


def test_of_two_the_finer_is_taken(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study()
    fine = [np.kron(s, np.ones((2, 2), np.uint16)) for s in slices]
    write_series(
        fine, tmp_path / "dicom" / "fine", plane=Plane.SAGITTAL, spacing=SPACING / 2, slice_spacing=GAP,
        header=T2, patient_name="Doe^Jane", patient_id="PID-0001",
        study_uid=made.study_uid, series_number=2, seed="fine",
    )  # fmt: skip
    summary = curate(tmp_path / "dicom", tmp_path / "store", key=key, policy=POLICY)
    assert summary.series_rejected == {"another series of this plane is better": 1}
    assert read_manifest(tmp_path / "store")[0].series[0].spacing == SPACING / 2


def _one(
    tmp_path: Path, key: PseudonymKey, name: str = "store"
) -> tuple[Study, list[NDArray[np.uint16]], Summary]:
    summary = curate(tmp_path / "dicom", tmp_path / name, key=key, policy=POLICY)
    (study,) = read_manifest(tmp_path / name)
    kept = [np.asarray(Image.open(tmp_path / name / str(s.source))) for s in study.series[0].slices]
    return study, kept, summary


_COMPRESSED = (JPEG2000Lossless, JPEGLSLossless, JPEGLSNearLossless, RLELossless)


def _rewrite(path: Path, syntax: UID, to: Path) -> None:
    """Write a slice in another transfer syntax."""
    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array
    if syntax in _COMPRESSED:
        extra: dict[str, Any] = {"jls_error": 2} if syntax == JPEGLSNearLossless else {}
        dataset.compress(syntax, generate_instance_uid=False, **extra)
    elif syntax == JPEGLosslessSV1:
        dataset.PixelData = encapsulate([_jpeg_lossless(pixels, to.with_suffix(".itk"))])
    elif syntax == JPEGBaseline8Bit:
        buffer = io.BytesIO()
        Image.fromarray((pixels // 8).astype(np.uint8)).save(buffer, "JPEG", quality=98)
        dataset.PixelData = encapsulate([buffer.getvalue()])
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit = 7
    elif syntax == ExplicitVRBigEndian:
        dataset.PixelData = pixels.byteswap().tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    plain = Dataset(dataset)
    plain.file_meta = dataset.file_meta
    pydicom.dcmwrite(to, plain)


def _jpeg_lossless(pixels: NDArray[np.uint16], path: Path) -> bytes:
    """The code stream that ITK writes: pydicom has no encoder for it."""
    writer: Any = sitk.ImageFileWriter()  # type: ignore[no-untyped-call]
    writer.SetImageIO("GDCMImageIO")
    writer.SetFileName(str(path))
    writer.UseCompressionOn()
    writer.SetCompressor("JPEG")
    writer.Execute(sitk.GetImageFromArray(pixels[None]))
    written = pydicom.dcmread(path)
    path.unlink()
    assert written.file_meta.TransferSyntaxUID == JPEGLosslessSV1
    return next(generate_frames(written.PixelData, number_of_frames=1))


@pytest.mark.parametrize(
    ("syntax", "scale", "lost"),
    [
        (ImplicitVRLittleEndian, 1, 0),
        (ExplicitVRBigEndian, 1, 0),
        (DeflatedExplicitVRLittleEndian, 1, 0),
        (JPEGLosslessSV1, 1, 0),
        (JPEG2000Lossless, 1, 0),
        (JPEGLSLossless, 1, 0),
        (RLELossless, 1, 0),
        (JPEGLSNearLossless, 1, 2),
        (JPEGBaseline8Bit, 8, 6),
    ],
    ids=lambda value: value.name if isinstance(value, UID) else None,
)
def test_pixels_are_the_same_in_every_transfer_syntax(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey,
    syntax: UID, scale: int, lost: int,
) -> None:  # fmt: skip
    made = make_study("plain", arrays=slices)
    (tmp_path / "dicom").mkdir()
    for path in made.paths:
        _rewrite(path, syntax, tmp_path / "dicom" / path.name)
    _, kept, _ = _one(tmp_path, key)
    for own, source in zip(kept, slices, strict=True):
        assert np.abs(own.astype(int) - source // scale).max() <= lost


def test_inverted_and_rescaled_pixels_show_the_same(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(
        arrays=[np.uint16(65535) - s for s in slices],
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope="0.5",
    )
    study, kept, _ = _one(tmp_path, key)
    assert all(np.array_equal(a, b) for a, b in zip(kept, slices, strict=True))
    assert study.series[0].rescale == (0.5, 0.0)


def test_slices_with_scales_of_their_own_come_to_one(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study(arrays=slices)
    for number, path in enumerate(made.paths):
        dataset = pydicom.dcmread(path)
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + number), str(-10 * number)
        dataset.save_as(path)
    study, kept, _ = _one(tmp_path, key)
    slope, intercept = study.series[0].rescale
    for number, (own, source) in enumerate(zip(kept, slices, strict=True)):
        assert np.abs(own * slope + intercept - (source * (1.0 + number) - 10 * number)).max() <= slope


def test_mirrored_transposed_and_reversed_stacks_come_out_the_same(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    make_study(arrays=slices)
    plain, pixels, _ = _one(tmp_path, key, "plain")
    first = np.asarray(plain.series[0].slices[0].to_patient)
    for path in (tmp_path / "dicom" / "study").iterdir():
        path.unlink()
    side = 160 * SPACING
    turned = [np.ascontiguousarray(s.T[::-1, ::-1]) for s in reversed(slices)]
    corner = [(GAP * (3 - k), side / 2 - SPACING, -side / 2 + SPACING) for k in range(7)]
    write_series(
        turned, tmp_path / "dicom" / "turned", plane=Plane.SAGITTAL, spacing=SPACING, slice_spacing=GAP,
        header=T2,
        patient_name="Doe^Jane", patient_id="PID-0001", seed="turned", positions=corner,
        orientations=[(0, 0, 1, 0, -1, 0)] * 7,
    )  # fmt: skip
    study, kept, _ = _one(tmp_path, key, "turned-store")
    assert all(np.array_equal(a, b) for a, b in zip(kept, pixels, strict=True))
    again = np.asarray(study.series[0].slices[0].to_patient)
    assert np.allclose(again[:, :2], first[:, :2])
    assert np.allclose(again[:, 3], first[:, 3], atol=SPACING * 1.01)


def test_oblong_pixels_become_square(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey
) -> None:
    made = make_study(arrays=[np.repeat(s, 2, axis=1) for s in slices])
    for path in made.paths:
        dataset = pydicom.dcmread(path)
        dataset.PixelSpacing = [SPACING, SPACING / 2]
        dataset.save_as(path)
    study, _, _ = _one(tmp_path, key)
    shown = study.series[0].slices[0]
    assert (shown.width, shown.height, study.series[0].spacing) == (320, 320, SPACING / 2)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless])
def test_enhanced_multi_frame_images_are_taken_apart(
    make_study: MakeStudy, slices: list[NDArray[np.uint16]], tmp_path: Path, key: PseudonymKey, syntax: UID
) -> None:
    made = make_study("classic", arrays=slices)
    (tmp_path / "dicom").mkdir()
    enhanced = _enhanced([pydicom.dcmread(p) for p in made.paths], slices)
    if syntax.is_compressed:
        enhanced.compress(syntax, generate_instance_uid=False)
    enhanced.save_as(tmp_path / "dicom" / "enhanced", enforce_file_format=True)
    study, kept, _ = _one(tmp_path, key)
    assert all(np.array_equal(a, b) for a, b in zip(kept, slices, strict=True))
    assert study.series[0].scanner["echo_time"] == 114.0


def _item(**values: object) -> Sequence:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return Sequence([dataset])


def _enhanced(classic: list[Dataset], slices: list[NDArray[np.uint16]]) -> Dataset:
    first = classic[0]
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = first.SOPInstanceUID
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    copied = (
        "PatientName", "PatientID", "PatientAge", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID",
        "Manufacturer", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
        "SamplesPerPixel", "PhotometricInterpretation",
    )  # fmt: skip
    for keyword in copied:
        setattr(made, keyword, first[keyword].value)
    made.SOPClassUID, made.Modality, made.NumberOfFrames = EnhancedMRImageStorage, "MR", len(slices)
    shared = Dataset()
    shared.MRTimingAndRelatedParametersSequence = _item(RepetitionTime=3500.0)
    shared.MREchoSequence = _item(EffectiveEchoTime=114.0)
    shared.PixelMeasuresSequence = _item(PixelSpacing=[SPACING, SPACING], SliceThickness=4.0)
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=[0, 1, 0, 0, 0, -1])
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    frames = []
    for dataset in classic:
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=dataset.ImagePositionPatient)
        frames.append(frame)
    made.PerFrameFunctionalGroupsSequence = Sequence(frames)
    made.PixelData = np.stack(slices).tobytes()
    made["PixelData"].VR = "OW"
    return made


@given(
    tilt=st.floats(-25, 25),
    row=st.floats(0.3, 1.5),
    column=st.floats(0.3, 1.5),
    size=st.tuples(st.integers(40, 300), st.integers(40, 300)),
    turn=st.sampled_from([(1, 1, False), (-1, 1, False), (1, -1, True), (-1, -1, True)]),
)
def test_every_pixel_keeps_its_place_however_a_slice_is_turned(
    tilt: float, row: float, column: float, size: tuple[int, int], turn: tuple[int, int, bool]
) -> None:
    a = np.deg2rad(tilt)
    back, down = np.array([-np.sin(a), np.cos(a), 0.0]) * turn[0], np.array([0.0, 0.0, -1.0]) * turn[1]
    across, along = (down, back) if turn[2] else (back, down)
    placed = placement([*across, *along], [3.0, -70.0, 90.0], [row, column], *size)
    turned = upright(placed, Plane.SAGITTAL, 0.005)
    matrix = np.asarray(turned.to_patient)
    assert matrix[1, 0] > 0
    assert matrix[2, 1] < 0
    point = placed.corner + placed.across * column * (size[1] // 3) + placed.down * row * (size[0] // 4)
    x, y = to_pixels(turned.to_patient, point)
    assert np.allclose(matrix @ [x, y, 0, 1], point, atol=1e-6)
    assert 0 <= x <= turned.columns
    assert 0 <= y <= turned.rows
    if not turned.resampled:
        picture = np.zeros(size, np.uint16)
        picture[size[0] // 4, size[1] // 3] = 1
        found = np.argwhere(turned.turn(picture) == 1)[0]
        assert np.allclose([x - 0.5, y - 0.5], found[::-1], atol=0.5)
