"""Pictures that people hand in: PNG, JPEG, TIFF or DICOM, of any depth and size, to an upright grey slice."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from domain.errors import DiscLoopError
from ml_backend.samples import BoxArray, GreyImage

LARGEST = 50_000_000
"""Pixels beyond which a picture is refused: no slice has them, and decoding would take all memory."""
SMALLEST = 32
"""Pixels on the shorter side below which a picture is refused."""
CLIP = (0.05, 99.95)
"""Percentiles of a 16-bit picture shown as black and white: bright fluid stays unclipped."""
FORMATS: Mapping[bytes, type[ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"II*\0": TiffImageFile,
    b"MM\0*": TiffImageFile,
    b"BM": BmpImageFile,
}
"""By their first bytes. Pillow's own `open` is not used: Ultralytics replaces it when it is imported."""


@dataclass(frozen=True)
class Picture:
    """A slice to look at and the way back to the given file.

    Attributes:
        image: (height, width) uint8, square pixels, upright, anterior left as far as the file says.
        width: Of the given picture, pixels.
        height: Of the given picture, pixels.
        to_given: (2, 3) affine from pixels of `image` to pixels of the given picture (edges, not centres).
        notes: What was noticed when reading.
        plane: "sagittal", "other", or "" where the file does not say.
    """

    image: GreyImage
    width: int
    height: int
    to_given: npt.NDArray[np.float64] = field(default_factory=lambda: np.eye(2, 3))
    notes: tuple[str, ...] = ()
    plane: str = ""

    def boxes_on_given(self, boxes: BoxArray) -> BoxArray:
        """Boxes on `image` as boxes on the given picture."""
        ends = boxes.reshape(-1, 2, 2) @ self.to_given[:, :2].T + self.to_given[:, 2]
        low, high = ends.min(axis=1), ends.max(axis=1)
        limits = np.array([self.width, self.height], np.float64)
        corners = np.concatenate((np.clip(low, 0, limits), np.clip(high, 0, limits)), axis=1)
        return np.asarray(corners, np.float32)


def read_picture(path: Path) -> Picture:
    """Read a file by what it holds, not by its name.

    Raises:
        DiscLoopError: No such file, not a picture, too large or too small; names the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DiscLoopError(f"expected a picture, got {path}: {error.strerror}") from error
    if content[128:132] == b"DICM":
        from ml_backend.dicom import read_dicom

        return read_dicom(content, name=str(path))
    return decode_picture(content, name=str(path))


def decode_picture(content: bytes, *, name: str) -> Picture:
    """Decode PNG, JPEG, TIFF or BMP.

    Args:
        content: The file.
        name: Names it in errors.

    Raises:
        DiscLoopError: As `read_picture`.
    """
    kind = next((kind for magic, kind in FORMATS.items() if content.startswith(magic)), None)
    if kind is None:
        raise DiscLoopError(f"{name}: expected a PNG, JPEG, TIFF, BMP or DICOM picture")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with kind(io.BytesIO(content)) as header:
                check_size(header.width, header.height, name)
                header.verify()  # else libpng writes its own words of a cut file to standard error
    except (OSError, ValueError, SyntaxError, TypeError, KeyError, EOFError, struct.error) as error:
        raise DiscLoopError(f"{name}: the picture is damaged") from error
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DiscLoopError(f"{name}: the picture is damaged")
    image, notes = to_grey(np.asarray(pixels))
    return Picture(image, width=image.shape[1], height=image.shape[0], notes=notes)


def check_size(width: int, height: int, name: str) -> None:
    """Refuse what is too large to decode or too small to be a slice."""
    if width * height > LARGEST:
        raise DiscLoopError(
            f"{name}: {width} x {height} pixels, expected at most {LARGEST // 1_000_000} million"
        )
    if min(width, height) < SMALLEST:
        raise DiscLoopError(f"{name}: {width} x {height} pixels, expected at least {SMALLEST} on each side")


def to_grey(pixels: npt.NDArray[np.generic]) -> tuple[GreyImage, tuple[str, ...]]:
    """Any decoded picture, (height, width[, channels]), as 8-bit grey, with notes on what was changed."""
    notes: list[str] = []
    if pixels.ndim == 3:
        colours = pixels[..., :3].astype(np.float32)
        spread = float(np.abs(colours - colours.mean(axis=2, keepdims=True)).mean())
        if spread > 0.02 * max(float(colours.max()), 1.0):
            notes.append("is in colour: expected grey")
        pixels = colours.mean(axis=2).astype(pixels.dtype)
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8), tuple(notes)
    return windowed(pixels.astype(np.float32)), tuple(notes)


def windowed(values: npt.NDArray[np.float32]) -> GreyImage:
    """Values of any range as 8 bit, `CLIP` percentiles shown as black and white."""
    finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(finite, CLIP)
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    return np.asarray(np.clip((finite - low) / (high - low), 0, 1) * 255 + 0.5, np.uint8)
