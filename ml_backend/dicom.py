"""One DICOM slice as a picture: turned upright with the anterior left, pixels made square.

Tags as in PS3.3: Image Orientation (Patient) (0020,0037), Pixel Spacing (0028,0030), C.7.6.2.
"""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels.processing import apply_rescale

from domain.errors import DiscLoopError
from ml_backend.pictures import Picture, check_size, windowed

SIDEWAYS = 0.8
"""A slice is sagittal if its normal points at least this much to the patient's side."""
SHORT_ECHO = 40.0
"""Milliseconds below which a spin echo is not T2-weighted."""


def read_dicom(content: bytes, *, name: str) -> Picture:
    """A single-frame MR image.

    Args:
        content: The file.
        name: Names it in errors.

    Raises:
        DiscLoopError: Not a readable single-frame grey image; names the file and the attribute.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(io.BytesIO(content))
            rows, columns = int(dataset.get("Rows", 0)), int(dataset.get("Columns", 0))
            if rows and columns:
                check_size(columns, rows, name)
            if int(dataset.get("NumberOfFrames", 1) or 1) != 1 or int(dataset.get("SamplesPerPixel", 1)) != 1:
                raise DiscLoopError(f"{name}: expected one grey frame, got several frames or colours")
            values = apply_rescale(dataset.pixel_array, dataset).astype(np.float32)
    except DiscLoopError:
        raise
    except Exception as error:
        raise DiscLoopError(f"{name}: expected a DICOM image that can be decoded: {error}") from error
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        values = values.max() - values
    return _arrange(values, dataset)


def _arrange(values: npt.NDArray[np.float32], dataset: pydicom.Dataset) -> Picture:
    height, width = values.shape
    axes, plane, notes = _orientation(dataset)
    affine = _display_affine(width, height, axes, _spacing(dataset))
    shown_width, shown_height = affine[2, :2]
    image = cv2.warpAffine(
        windowed(values),
        _between_centres(affine[:2]),
        (int(shown_width), int(shown_height)),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if 0 < float(dataset.get("EchoTime", 0) or 0) < SHORT_ECHO:
        notes = (*notes, "echo time is short: looks like T1, Pfirrmann grades need T2")
    return Picture(
        np.asarray(image, np.uint8), width=width, height=height, to_given=affine[:2], notes=notes, plane=plane
    )


def _orientation(dataset: pydicom.Dataset) -> tuple[npt.NDArray[np.float64], str, tuple[str, ...]]:
    """Which file axis (x or y, with sign) the display's right and down follow, the plane, and notes."""
    orientation = dataset.get("ImageOrientationPatient")
    if orientation is None or len(orientation) != 6:
        return np.eye(2), "", ("has no orientation: taken as upright with the anterior left",)
    along_x, along_y = np.array(orientation[:3], float), np.array(orientation[3:], float)
    if abs(np.cross(along_x, along_y)[0]) < SIDEWAYS:
        return np.eye(2), "other", ("is not sagittal",)
    # LPS: y grows to the back, z to the head. Display: right is back, down is foot.
    back = np.array([along_x[1], along_y[1]])
    foot = -np.array([along_x[2], along_y[2]])
    axes = np.zeros((2, 2))
    x_is_back = abs(back[0]) >= abs(back[1])
    axes[0 if x_is_back else 1, 0] = np.sign(back[0 if x_is_back else 1]) or 1
    axes[1 if x_is_back else 0, 1] = np.sign(foot[1 if x_is_back else 0]) or 1
    return axes, "sagittal", ()


def _spacing(dataset: pydicom.Dataset) -> tuple[float, float]:
    """Millimetres a pixel along x and y of the file; 1, 1 if it does not say."""
    spacing = dataset.get("PixelSpacing")
    if spacing is None or len(spacing) != 2 or min(float(s) for s in spacing) <= 0:
        return 1.0, 1.0
    return float(spacing[1]), float(spacing[0])


def _display_affine(
    width: int, height: int, axes: npt.NDArray[np.float64], spacing: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """(3, 3): two rows from display to file pixels (edges), then the display's width and height."""
    finest = min(spacing)
    steps = axes * (np.array([finest, finest]) / np.array(spacing))[:, None]
    extents = np.abs(axes.T @ (np.array([width, height]) * np.array(spacing) / finest)).round()
    shown = np.maximum(extents, 1)
    origin = np.array([width, height]) / 2 - steps @ (shown / 2)
    return np.vstack((np.column_stack((steps, origin)), [*shown, 1.0]))


def _between_centres(affine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same map for pixel indices, whose centres lie half a pixel in."""
    shifted = affine.copy()
    shifted[:, 2] += affine[:, :2] @ [0.5, 0.5] - 0.5
    return shifted
