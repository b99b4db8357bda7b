"""Finding the canal on sagittal T2 slices, and from it the midline of a study and of each disc's neighbourhood.

Cerebrospinal fluid is a bright band of 8 to 20 mm, running down every row between darker bone and ligament.
On each slice the best such band is traced from top to bottom (dynamic programming, cost of leaning); the
slice whose band is brightest against its sides, over and over in bands of rows, is the midline there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, uniform_filter1d, zoom

_STEP = 2.0
"""Millimetres a pixel of the coarse images that are searched."""
_BAND = 40.0
"""Millimetres of a neighbourhood: a disc and half of the bodies beside it."""

Profile = NDArray[np.float32]


@dataclass(frozen=True)
class Canal:
    """The canal's course on one slice: `columns[r]` for row r of the displayed slice, in pixels."""

    columns: NDArray[np.float64]
    strength: NDArray[np.float64]
    """Contrast of the band against its sides per row, 0 to 1 of the series' bright signal."""


@dataclass(frozen=True)
class Midline:
    """The slice to open on, and the slice of each neighbourhood (top row, bottom row, slice)."""

    slice: int
    bands: tuple[tuple[int, int, int], ...]
    canal: Canal | None


def find_midline(slices: Sequence[NDArray[np.uint16]], spacing: float, gap: float) -> Midline:
    """Find the midline of a sagittal stack.

    Args:
        slices: Upright, anterior left, rows x columns, of one shape.
        spacing: Millimetres a pixel.
        gap: Millimetres from slice to slice.
    """
    middle = (len(slices) - 1) / 2
    bright = float(np.percentile(np.stack([s[::4, ::4] for s in slices]), 99.0)) or 1.0
    coarse = [_coarse(s, spacing) / np.float32(bright) for s in slices]
    traced = [_trace(_band_response(image)) for image in coarse]
    rows = coarse[0].shape[0]
    # Far from the middle of the stack only a strong band counts: bright fat beside the spine is one, too.
    prior = np.exp(-0.5 * ((np.arange(len(slices)) - middle) * max(gap, 0.5) / 25.0) ** 2)
    strength = np.stack([t.strength for t in traced]) * prior[:, None]
    smooth = uniform_filter1d(strength, max(int(_BAND / _STEP), 1), axis=1, mode="nearest")
    inner = slice(int(rows * 0.15), max(int(rows * 0.8), int(rows * 0.15) + 1))
    whole = _peak(smooth[:, inner].mean(axis=1))
    bands = _bands(smooth, whole, spacing, slices[0].shape[0], gap)
    best = traced[round(whole)]
    scale = slices[0].shape[0] / rows
    columns = np.interp(np.arange(slices[0].shape[0]) / scale, np.arange(rows), best.columns) * (
        _STEP / spacing
    )
    fine = np.interp(np.arange(slices[0].shape[0]) / scale, np.arange(rows), best.strength)
    return Midline(round(whole), bands, Canal(columns, fine))


def _coarse(image: NDArray[np.uint16], spacing: float) -> Profile:
    factor = spacing / _STEP
    smooth = gaussian_filter1d(
        gaussian_filter1d(image.astype(np.float32), 0.5 / factor, axis=0), 0.3 / factor, axis=1
    )
    return np.asarray(zoom(smooth, factor, order=1, grid_mode=True, mode="nearest"), dtype=np.float32)


def _band_response(image: Profile) -> Profile:
    """How much brighter a band is than both its sides, and how bright its signal, per pixel."""
    clipped = np.minimum(image, 1.0)
    best = np.zeros_like(clipped)
    for width in (4, 6, 8):
        inside = uniform_filter1d(clipped, width, axis=1, mode="nearest")
        flank = uniform_filter1d(clipped, 8, axis=1, mode="nearest")
        offset = width // 2 + 5
        left, right = np.roll(flank, offset, axis=1), np.roll(flank, -offset, axis=1)
        response = inside - np.maximum(left, right) * 0.7 - 0.3 * np.minimum(left, right)
        best = np.maximum(best, response)
    best[:, :10] = 0
    best[:, -8:] = 0
    return best


def _trace(response: Profile) -> Canal:
    """The strongest connected course from the first to the last row."""
    rows, columns = response.shape
    total = np.zeros((rows, columns), np.float32)
    came = np.zeros((rows, columns), np.int8)
    total[0] = response[0]
    for r in range(1, rows):
        before = total[r - 1]
        options = np.stack(
            [
                np.concatenate(([-1e9], before[:-1])) - 0.04,
                before,
                np.concatenate((before[1:], [-1e9])) - 0.04,
            ]
        )
        pick = options.argmax(axis=0)
        came[r] = pick - 1
        total[r] = np.take_along_axis(options, pick[None], axis=0)[0] + response[r]
    course = np.zeros(rows, int)
    course[-1] = int(total[-1].argmax())
    for r in range(rows - 1, 0, -1):
        course[r - 1] = min(max(course[r] + came[r][course[r]], 0), columns - 1)
    return Canal(course.astype(float), response[np.arange(rows), course].astype(float))


def _peak(values: NDArray[np.float64]) -> float:
    """The centre of the slices that are within a fifth of the best and touch it."""
    top = int(values.argmax())
    near = values >= 0.8 * values[top]
    low = high = top
    while low > 0 and near[low - 1]:
        low -= 1
    while high < len(values) - 1 and near[high + 1]:
        high += 1
    weights = values[low : high + 1]
    return float((np.arange(low, high + 1) * weights).sum() / max(weights.sum(), 1e-9))


def _bands(
    smooth: NDArray[np.float64], whole: float, spacing: float, height: int, gap: float
) -> tuple[tuple[int, int, int], ...]:
    """Neighbourhoods down the slice; each slice within 20 mm of the whole's, changing gently."""
    rows = smooth.shape[1]
    step = max(int(_BAND / 2 / _STEP), 1)
    reach = max(round(20 / max(gap, 0.5)), 1)
    found = []
    for start in range(0, rows, step):
        local = smooth[:, start : start + step].mean(axis=1)
        allowed = np.abs(np.arange(len(local)) - whole) <= reach
        peak = _peak(np.where(allowed, local, 0.0)) if local.max() > 0.08 else whole
        found.append(peak)
    gentle = gaussian_filter1d(np.asarray(found), 1.0, mode="nearest")
    scale = _STEP / spacing
    edges = [min(round(k * step * scale), height) for k in range(len(gentle))] + [height]
    return tuple(
        (edges[k], edges[k + 1], int(np.clip(round(value), 0, smooth.shape[0] - 1)))
        for k, value in enumerate(gentle)
        if edges[k + 1] > edges[k]
    )
