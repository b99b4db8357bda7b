"""Where a slice lies and how it is turned upright: pure geometry of PS3.3 C.7.6.2.1.1.

Patient coordinates are millimetres LPS: x to the patient's left, y to the back, z to the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.taxonomy import Plane

Vector = NDArray[np.float64]
Matrix = tuple[tuple[float, float, float, float], ...]

_NORMAL = {Plane.SAGITTAL: np.array([1.0, 0.0, 0.0]), Plane.AXIAL: np.array([0.0, 0.0, 1.0])}
_ACROSS = {Plane.SAGITTAL: np.array([0.0, 1.0, 0.0]), Plane.AXIAL: np.array([1.0, 0.0, 0.0])}
_DOWN = {Plane.SAGITTAL: np.array([0.0, 0.0, -1.0]), Plane.AXIAL: np.array([0.0, 1.0, 0.0])}


class BadGeometry(ValueError):
    """A header's geometry is wrong; the message names the attribute and repeats none of its values."""


@dataclass(frozen=True)
class Placement:
    """A slice in the patient, as it was acquired.

    `corner` is the centre of the first pixel; `across` is the direction in which columns run, `down` that
    of rows (unit vectors); spacings in millimetres.
    """

    corner: Vector
    across: Vector
    down: Vector
    row_spacing: float
    column_spacing: float
    rows: int
    columns: int

    @property
    def normal(self) -> Vector:
        """Unit vector out of the slice."""
        return np.asarray(np.cross(self.across, self.down), dtype=np.float64)

    @property
    def centre(self) -> Vector:
        """The slice's middle."""
        return (
            self.corner
            + self.across * self.column_spacing * (self.columns - 1) / 2
            + self.down * self.row_spacing * (self.rows - 1) / 2
        )

    @property
    def height(self) -> float:
        """Extent along the patient's long axis or, for axial slices, from front to back; millimetres."""
        return float(
            max(
                self.rows * self.row_spacing * abs(self.down[2]),
                self.columns * self.column_spacing * abs(self.across[2]),
            )
        )


def placement(
    orientation: Sequence[float], position: Sequence[float], spacing: Sequence[float], rows: int, columns: int
) -> Placement:
    """Check header values and make a placement of them.

    Args:
        orientation: `ImageOrientationPatient`.
        position: `ImagePositionPatient`.
        spacing: `PixelSpacing`: between rows, then between columns.
        rows: `Rows`.
        columns: `Columns`.

    Raises:
        BadGeometry: Naming the attribute that is wrong.
    """
    directions = np.asarray(orientation, dtype=float)
    corner = np.asarray(position, dtype=float)
    if directions.shape != (6,) or not np.isfinite(directions).all():
        raise BadGeometry("ImageOrientationPatient: expected six numbers")
    if corner.shape != (3,) or not np.isfinite(corner).all() or np.abs(corner).max() > 1e5:
        raise BadGeometry("ImagePositionPatient: expected three numbers within 100 m")
    gaps = np.asarray(spacing, dtype=float)
    if gaps.shape != (2,) or not np.isfinite(gaps).all() or not ((gaps > 0.05) & (gaps < 20)).all():
        raise BadGeometry("PixelSpacing: expected two numbers from 0.05 to 20 mm")
    across, down = directions[:3], directions[3:]
    lengths = np.linalg.norm(across), np.linalg.norm(down)
    if abs(lengths[0] - 1) > 0.02 or abs(lengths[1] - 1) > 0.02 or abs(across @ down) > 0.02:
        raise BadGeometry("ImageOrientationPatient: expected two perpendicular unit vectors")
    across = across / lengths[0]
    down = down - across * (across @ down)
    return Placement(
        corner, across, down / np.linalg.norm(down), float(gaps[0]), float(gaps[1]), rows, columns
    )


def plane_of(normal: Vector, tilt_at_most: float) -> Plane | None:
    """The plane a slice is nearest to, or None for coronal and what lies between.

    Args:
        normal: Unit vector.
        tilt_at_most: Degrees from the plane.
    """
    for plane, axis in _NORMAL.items():
        if abs(float(normal @ axis)) >= np.cos(np.deg2rad(tilt_at_most)):
            return plane
    return None


@dataclass(frozen=True)
class Upright:
    """How to turn an acquired slice upright, anterior to the left (sagittal) or up (axial), patient's right
    on the left (axial), with square pixels, and where it then lies."""

    transpose: bool
    flip_rows: bool
    flip_columns: bool
    rows: int
    columns: int
    spacing: float
    """Millimetres a pixel, both directions."""
    resampled: bool
    to_patient: Matrix
    """(x, y, 0, 1) in pixels, centres at .5, to millimetres LPS."""

    def turn(self, pixels: NDArray[np.generic]) -> NDArray[np.generic]:
        """Turn pixels, rows x columns; resampling is the caller's."""
        turned = pixels.T if self.transpose else pixels
        turned = turned[::-1] if self.flip_rows else turned
        return turned[:, ::-1] if self.flip_columns else turned


def upright(placed: Placement, plane: Plane, square_within: float) -> Upright:
    """Find the turn that brings a slice upright; `square_within` as in `policy.Stack`."""
    across, down = placed.across, placed.down
    sizes = [placed.columns, placed.rows]
    gaps = [placed.column_spacing, placed.row_spacing]
    transpose = abs(float(across @ _ACROSS[plane])) < abs(float(down @ _ACROSS[plane]))
    if transpose:
        across, down = down, across
        sizes.reverse()
        gaps.reverse()
    flip_columns = float(across @ _ACROSS[plane]) < 0
    flip_rows = float(down @ _DOWN[plane]) < 0
    corner = placed.corner
    if flip_columns:
        corner, across = corner + across * gaps[0] * (sizes[0] - 1), -across
    if flip_rows:
        corner, down = corner + down * gaps[1] * (sizes[1] - 1), -down
    edge = corner - across * gaps[0] / 2 - down * gaps[1] / 2
    resampled = abs(gaps[0] / gaps[1] - 1) > square_within
    spacing = min(gaps) if resampled else gaps[0]
    columns = round(sizes[0] * gaps[0] / spacing) if resampled else sizes[0]
    rows = round(sizes[1] * gaps[1] / spacing) if resampled else sizes[1]
    step_x, step_y = across * sizes[0] * gaps[0] / columns, down * sizes[1] * gaps[1] / rows
    normal = np.cross(across, down)
    matrix = tuple((float(step_x[i]), float(step_y[i]), float(normal[i]), float(edge[i])) for i in range(3))
    return Upright(transpose, flip_rows, flip_columns, rows, columns, float(spacing), resampled, matrix)


def stack_direction(normals: Sequence[Vector], plane: Plane) -> Vector:
    """The mean normal, pointing to the patient's left (sagittal) or head (axial)."""
    axis = _NORMAL[plane]
    total = np.sum([n if n @ axis > 0 else -n for n in normals], axis=0)
    return np.asarray(total / np.linalg.norm(total))


def to_pixels(matrix: Matrix, point: Vector) -> tuple[float, float]:
    """The pixel (x, y) of a slice that is nearest to a patient point: the inverse of `to_patient`."""
    m = np.asarray(matrix)
    solution = np.linalg.lstsq(m[:, :2], np.asarray(point) - m[:, 3], rcond=None)[0]
    return float(solution[0]), float(solution[1])


def crossing(scout: Matrix, scout_size: tuple[int, int], other: Matrix, other_size: tuple[int, int]) -> (
    tuple[tuple[float, float], tuple[float, float]] | None
):  # fmt: skip
    """Where another slice crosses a scout, in pixels of the scout, cut to both slices' extent.

    Args:
        scout: `to_patient` of the scout.
        scout_size: Its columns and rows.
        other: `to_patient` of the other slice.
        other_size: Its columns and rows.

    Returns:
        The two ends, or None where they are parallel or do not meet.
    """
    s, o = np.asarray(scout), np.asarray(other)
    normal = np.cross(o[:, 0], o[:, 1])
    a, b = float(normal @ s[:, 0]), float(normal @ s[:, 1])
    c = float(normal @ (o[:, 3] - s[:, 3]))
    steep = float(np.hypot(a, b))
    if steep < 1e-6 * float(np.linalg.norm(normal)):
        return None
    start, along = np.array([a, b]) * c / steep**2, np.array([-b, a]) / steep
    low, high = -1e9, 1e9
    inverse = np.linalg.pinv(o[:, :2])
    base = inverse @ (s[:, :2] @ start + s[:, 3] - o[:, 3])
    slope = inverse @ (s[:, :2] @ along)
    for value, change, size in (
        (start[0], along[0], scout_size[0]),
        (start[1], along[1], scout_size[1]),
        (base[0], slope[0], other_size[0]),
        (base[1], slope[1], other_size[1]),
    ):
        if abs(change) < 1e-9:
            if not 0 <= value <= size:
                return None
            continue
        ends = sorted((-value / change, (size - value) / change))
        low, high = max(low, ends[0]), min(high, ends[1])
    if low >= high:
        return None
    first, last = sorted((start + along * low, start + along * high), key=lambda p: float(p[0]))
    return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))
