"""A slice to paint tissues on: which patient point each pixel is, and blending into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Tissue:
    """Signal of a tissue on T2 and T1 weighting, CSF on T2 being 1."""

    t2: float
    t1: float


@dataclass(frozen=True)
class Window:
    """Part of a canvas with the patient coordinates of its pixels' centres, millimetres LPS."""

    rows: slice
    columns: slice
    x: Image
    y: Image
    z: Image

    def local(self, centre: NDArray[np.float64], *axes: NDArray[np.float64]) -> tuple[Image, ...]:
        """Coordinates along unit vectors from a centre, millimetres."""
        dx, dy, dz = (p - np.float32(c) for p, c in zip((self.x, self.y, self.z), centre, strict=True))
        return tuple(
            dx * np.float32(a[0]) + dy * np.float32(a[1]) + dz * np.float32(a[2]) for a in axes
        )  # fmt: skip


class Canvas:
    """Two images (T2, T1) of one slice plane."""

    def __init__(
        self,
        origin: NDArray[np.float64],
        across: NDArray[np.float64],
        down: NDArray[np.float64],
        shape: tuple[int, int],
        with_t1: bool = True,
    ) -> None:
        """`origin` is the first pixel's centre; `across` and `down` are millimetres a column and a row."""
        self.origin, self.across, self.down, self.shape = origin, across, down, shape
        self.step = float(np.linalg.norm(across))
        self.t2: Image = np.zeros(shape, np.float32)
        self.t1: Image | None = np.zeros(shape, np.float32) if with_t1 else None

    def whole(self) -> Window:
        """The whole slice."""
        return self._window(slice(0, self.shape[0]), slice(0, self.shape[1]))

    def around(self, centre: NDArray[np.float64], radius: float) -> Window | None:
        """The part within `radius` millimetres of a point, or None where the plane passes it by."""
        offset = centre - self.origin
        a, d = self.across / self.step, self.down / np.linalg.norm(self.down)
        beside = offset - a * (offset @ a) - d * (offset @ d)
        reach = float(np.sqrt(max(radius**2 - float(beside @ beside), 0.0)))
        if reach == 0.0:
            return None
        column, row = float(offset @ a) / self.step, float(offset @ d) / float(np.linalg.norm(self.down))
        half = reach / self.step + 1
        rows = slice(max(int(row - half), 0), min(int(row + half) + 1, self.shape[0]))
        columns = slice(max(int(column - half), 0), min(int(column + half) + 1, self.shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return self._window(rows, columns)

    def where(self, window: Window, mask: NDArray[np.bool_]) -> Window | None:
        """The smallest part of a window that holds all of `mask`."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return None
        r, c = window.rows.start, window.columns.start
        return self._window(
            slice(r + int(rows[0]), r + int(rows[-1]) + 1),
            slice(c + int(columns[0]), c + int(columns[-1]) + 1),
        )

    def _window(self, rows: slice, columns: slice) -> Window:
        r = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
        c = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
        x, y, z = (
            np.float32(o) + r * np.float32(d) + c * np.float32(a)
            for o, d, a in zip(self.origin, self.down, self.across, strict=True)
        )
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        return Window(rows, columns, *(np.broadcast_to(v, shape) for v in (x, y, z)))

    def paint(self, window: Window, mask: Floats, t2: Floats | float, t1: Floats | float) -> None:
        """Blend signals in where `mask` (0 to 1) is."""
        for image, value in ((self.t2, t2), (self.t1, t1)):
            if image is None:
                continue
            part = image[window.rows, window.columns]
            part += mask * (np.asarray(value, dtype=np.float32) - part)

    def fill(self, window: Window, mask: Floats, tissue: Tissue) -> None:
        """Blend one tissue in."""
        self.paint(window, mask, tissue.t2, tissue.t1)


def inside(distance: Floats, softness: float = 0.9) -> Image:
    """1 well inside (negative distance, millimetres), 0 outside, with a soft edge for partial volume."""
    return np.asarray(np.clip(0.5 - distance / softness, 0, 1), dtype=np.float32)


def ellipsoid(*coordinates: tuple[Floats, float]) -> Image:
    """Rough distance in millimetres to an ellipsoid of the given half axes, negative inside."""
    total = np.asarray(sum((c / np.float32(h)) ** 2 for c, h in coordinates), dtype=np.float32)
    shortest = min(h for _, h in coordinates)
    return np.asarray((np.sqrt(total) - np.float32(1)) * np.float32(shortest), dtype=np.float32)


def block(*coordinates: tuple[Floats, Floats | float]) -> Image:
    """Rough distance in millimetres to a box with well rounded edges, of the given half axes."""
    total = sum(np.abs(c / h) ** 4 for c, h in coordinates)
    shortest = min(float(np.min(h)) for _, h in coordinates)
    return np.asarray((np.asarray(total) ** 0.25 - 1) * shortest, dtype=np.float32)


class Grain:
    """Seamless smooth noise through space, mean 0, spread 1."""

    def __init__(self, rng: np.random.Generator, size: int = 128, smooth: float = 4.0) -> None:
        spectrum = np.fft.rfftn(rng.standard_normal((size, size, size)).astype(np.float32))
        f = np.fft.fftfreq(size).astype(np.float32)
        g = np.fft.rfftfreq(size).astype(np.float32)
        radius = f[:, None, None] ** 2 + f[None, :, None] ** 2 + g[None, None, :] ** 2
        spectrum *= np.exp(-2 * (np.pi * smooth) ** 2 * radius)
        field = np.fft.irfftn(spectrum, s=(size,) * 3, axes=(0, 1, 2))
        self._field: Image = (field / field.std()).astype(np.float32)
        self._mask, self._smooth = size - 1, smooth

    def at(self, window: Window, scale: float, stretch: tuple[float, float, float] = (1, 1, 1)) -> Image:
        """The noise at a window's points; `scale` is millimetres a grain."""
        i, j, k = (
            (p * np.float32(s * self._smooth / scale)).astype(np.int32) & self._mask
            for p, s in zip((window.x, window.y, window.z), stretch, strict=True)
        )
        return np.asarray(self._field[i, j, k])
