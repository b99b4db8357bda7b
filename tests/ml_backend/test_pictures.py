"""Files of any depth, size and format."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from domain.errors import DiscLoopError
from ml_backend.pictures import read_picture, to_grey
from tests.ml_backend.spines import draw_spine


def save(path: Path, pixels: np.ndarray) -> Path:  # type: ignore[type-arg]
    Image.fromarray(pixels).save(path)
    return path


def dicom(
    orientation: list[float] | None, *, spacing: tuple[float, float] = (1.0, 1.0), echo: float = 100
) -> bytes:
    """A drawn spine as a DICOM file; (rows, columns) spacing."""
    image, _ = draw_spine()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = image.shape
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation, dataset.SamplesPerPixel = 15, 0, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelSpacing = list(spacing)
    dataset.EchoTime = echo
    if orientation:
        dataset.ImageOrientationPatient = orientation
    dataset.PixelData = (image.astype(np.uint16) * 7).tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_eight_and_sixteen_bit_show_the_same(tmp_path: Path) -> None:
    image, _ = draw_spine()
    plain = read_picture(save(tmp_path / "8.png", image)).image
    deep = read_picture(save(tmp_path / "16.png", image.astype(np.uint16) * 200)).image
    assert plain.dtype == deep.dtype == np.uint8
    assert np.corrcoef(plain.ravel(), deep.ravel())[0, 1] > 0.99


def test_colour_is_noted_and_grey_in_three_channels_is_not(tmp_path: Path) -> None:
    image, _ = draw_spine()
    grey = read_picture(save(tmp_path / "grey.png", np.stack([image] * 3, axis=2)))
    red = read_picture(save(tmp_path / "red.png", np.stack([image, image * 0, image * 0], axis=2)))
    assert grey.notes == ()
    assert np.array_equal(grey.image, image)
    assert "colour" in red.notes[0]


@pytest.mark.parametrize("size", [(1, 1), (20, 400)])
def test_a_picture_too_small_to_be_a_slice_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(tmp_path / "small.png", np.zeros(size, np.uint8))
    with pytest.raises(DiscLoopError, match=r"small\.png.*at least 32"):
        read_picture(path)


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(DiscLoopError, match="20000 x 20000"):
        read_picture(path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_picture_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(DiscLoopError, match=r"notes\.txt"):
        read_picture(path)
    with pytest.raises(DiscLoopError, match="missing"):
        read_picture(tmp_path / "missing.png")


def test_values_that_are_no_numbers_do_not_spoil_the_window() -> None:
    values = np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)
    values[0, 0] = np.nan
    assert to_grey(values)[0].max() == 255


SAGITTAL = [0.0, 1, 0, 0, 0, -1]


def test_an_upright_dicom_slice_comes_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom(SAGITTAL))
    picture = read_picture(tmp_path / "a.dcm")
    assert picture.plane == "sagittal"
    assert picture.notes == ()
    assert np.corrcoef(picture.image.ravel(), draw_spine()[0].ravel())[0, 1] > 0.99


def test_a_turned_dicom_slice_is_turned_upright_and_boxes_find_their_way_back(tmp_path: Path) -> None:
    image, boxes = draw_spine()
    height, width = image.shape
    (tmp_path / "a.dcm").write_bytes(dicom([0.0, -1, 0, 0, 0, 1]))
    picture = read_picture(tmp_path / "a.dcm")
    assert np.corrcoef(picture.image.ravel(), image[::-1, ::-1].ravel())[0, 1] > 0.99
    there = np.array([width, height, width, height], np.float32) - boxes[:, [2, 3, 0, 1]]
    assert np.allclose(picture.boxes_on_given(there), boxes, atol=0.01)


def test_flat_pixels_are_made_square(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(dicom(SAGITTAL, spacing=(0.5, 1.0)))
    picture = read_picture(tmp_path / "a.dcm")
    assert picture.image.shape == (320, 480)
    assert (picture.width, picture.height) == (240, 320)
    whole = np.array([[0, 0, 480, 320]], np.float32)
    assert np.allclose(picture.boxes_on_given(whole), [[0, 0, 240, 320]])


def test_axial_short_echo_and_missing_orientation_are_noted(tmp_path: Path) -> None:
    for name, content in (
        ("axial", dicom([1.0, 0, 0, 0, 1, 0])),
        ("t1", dicom(SAGITTAL, echo=10)),
        ("bare", dicom(None)),
    ):
        (tmp_path / name).write_bytes(content)
    assert read_picture(tmp_path / "axial").plane == "other"
    assert "T1" in read_picture(tmp_path / "t1").notes[0]
    assert "orientation" in read_picture(tmp_path / "bare").notes[0]
