"""From an anatomy to slices as a scanner would have made them: planes, coil shading, blur, motion, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from data_curation.phantom.anatomy import Spine, Vector
from data_curation.phantom.canvas import Canvas, Grain, Image
from data_curation.phantom.discs import DiscMask
from data_curation.phantom.tissues import paint_slice
from domain.boxes import Box

_COVERED = 0.5
_LEAST_PIXELS = 12


@dataclass(frozen=True)
class Looks:
    """What one examination's images suffer from."""

    noise: float
    """Spread of the noise in parts of CSF's signal."""
    shading: float
    """Millimetres over which the surface coil's signal falls by a third, from the back forwards."""
    blur: float
    motion: float
    """Strength of ghosts; 0 is none."""


@dataclass(frozen=True)
class SlicePlane:
    """Where a slice lies: first pixel's centre, and directions of its columns and rows (unit vectors)."""

    origin: Vector
    across: Vector
    down: Vector

    @property
    def orientation(self) -> list[float]:
        """`ImageOrientationPatient`."""
        return [*map(float, self.across), *map(float, self.down)]

    def distance(self, point: Vector) -> float:
        """Millimetres from the plane to a point, positive along the plane's normal."""
        return float((point - self.origin) @ np.cross(self.across, self.down))


@dataclass(frozen=True)
class Seen:
    """What of a disc a slice shows: boxes in pixels of the slice (origin top left, edges)."""

    index: int
    disc: Box | None
    herniation: Box | None
    zone: Box | None


@dataclass(frozen=True)
class Rendered:
    """One slice of T2 and T1, uint16, and what it shows."""

    t2: NDArray[np.uint16]
    t1: NDArray[np.uint16] | None
    seen: tuple[Seen, ...]


def invent_looks(rng: np.random.Generator) -> Looks:
    """Draw image quality as examinations have it: mostly good."""
    return Looks(
        noise=float(rng.uniform(0.012, 0.035)),
        shading=float(rng.uniform(90, 170)),
        blur=float(rng.uniform(0.55, 0.85)),
        motion=float(rng.uniform(0.05, 0.11)) if rng.random() < 0.08 else 0.0,
    )


def sagittal_planes(
    spine: Spine, *, count: int, spacing: float, gap: float, matrix: int, turn: float
) -> list[SlicePlane]:
    """A sagittal stack from the patient's right to the left, turned by `turn` degrees about the long axis."""
    a = np.deg2rad(turn)
    across, down = np.array([-np.sin(a), np.cos(a), 0.0]), np.array([0.0, 0.0, -1.0])
    normal = np.array([np.cos(a), np.sin(a), 0.0])
    lumbar = np.mean([d.frame.centre for d in spine.discs[:5]], axis=0)
    half = (matrix - 1) / 2 * spacing
    top = float(spine.discs[-1].frame.centre[2]) + 20
    middle = np.array([lumbar[0], 8.0, top - half])
    return [
        SlicePlane(middle + normal * (k - (count - 1) / 2) * gap - across * half - down * half, across, down)
        for k in range(count)
    ]


def axial_planes(
    spine: Spine, *, count: int, spacing: float, gap: float, matrix: int, angled: bool
) -> list[SlicePlane]:
    """An axial stack from the feet up: one straight block, or a few slices along each of the lowest discs."""
    across = np.array([1.0, 0.0, 0.0])
    half = (matrix - 1) / 2 * spacing

    def plane(centre: Vector, down: Vector) -> SlicePlane:
        return SlicePlane(centre - across * half - down * (half - 22), across, down)

    if angled:
        blocks = [d.frame for d in spine.discs[: count // 4]]
        return [
            plane(
                np.array([f.centre[0], *(f.centre + f.up * gap * k)[1:]]),
                np.array([0.0, f.back[1], f.back[2]]),
            )
            for f in blocks
            for k in (-1.5, -0.5, 0.5, 1.5)
        ]
    low, high = spine.discs[0].frame.centre, spine.discs[2].frame.centre
    tilt = np.deg2rad(12.0)
    down = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    up = np.cross(across, down)
    middle = (low + high) / 2
    return [plane(middle + up * (k - (count - 1) / 2) * gap, down) for k in range(count)]


def render(
    plane: SlicePlane,
    shape: tuple[int, int],
    spacing: float,
    spine: Spine,
    grain: Grain,
    looks: Looks,
    rng: np.random.Generator,
    full_scale: float,
    with_t1: bool = False,
) -> Rendered:
    """Paint a slice and let the scanner spoil it; `full_scale` is the value that CSF on T2 gets."""
    canvas = Canvas(plane.origin, plane.across * spacing, plane.down * spacing, shape, with_t1)
    seen = _seen(paint_slice(canvas, spine, grain))
    whole = canvas.whole()
    coil = np.exp(-np.clip(78 - whole.y, 0, None) / np.float32(looks.shading * 2.4)) * np.float32(1.35)
    t2 = _scan(canvas.t2, coil, looks, rng, full_scale)
    t1 = None if canvas.t1 is None else _scan(canvas.t1, coil, looks, rng, full_scale)
    return Rendered(t2, t1, seen)


def _scan(
    image: Image, coil: Image, looks: Looks, rng: np.random.Generator, full_scale: float
) -> NDArray[np.uint16]:
    signal = gaussian_filter(image, looks.blur) * coil
    if looks.motion:
        ghost = np.roll(signal, 37, axis=0) + np.roll(signal, -37, axis=0)
        signal = signal + np.float32(looks.motion) * ghost
    real = signal + looks.noise * rng.standard_normal(signal.shape, dtype=np.float32)
    imaginary = looks.noise * rng.standard_normal(signal.shape, dtype=np.float32)
    return np.asarray(np.clip(np.hypot(real, imaginary) * full_scale, 0, 4095), dtype=np.uint16)


def _seen(masks: list[DiscMask]) -> tuple[Seen, ...]:
    found = []
    for mask in masks:
        boxes = [_box(mask, part) for part in (mask.disc, mask.herniation, mask.zone)]
        if any(boxes):
            found.append(Seen(mask.index, *boxes))
    return tuple(found)


def _box(mask: DiscMask, part: Image | None) -> Box | None:
    if part is None:
        return None
    covered = part >= _COVERED
    if covered.sum() < _LEAST_PIXELS:
        return None
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    top, left = mask.window.rows.start, mask.window.columns.start
    return Box(
        x1=float(left + columns[0]),
        y1=float(top + rows[0]),
        x2=float(left + columns[-1] + 1),
        y2=float(top + rows[-1] + 1),
    )
