"""The midline of a sagittal T2 stack, and of each disc's neighbourhood, from two signs that do not depend on
where the stack was centred.

1. The canal: cerebrospinal fluid is a bright band of 8 to 20 mm that runs down every row between darker bone
   and ligament, within a hand's breadth of the skin of the back, with discs and bodies taking turns in front
   of it. On each slice the best such band is traced (dynamic programming, a cost for leaning); beside the
   midline it is broken by pedicles.
2. Symmetry: to the left and right of the midline the body is the same.

Both are measured per slice and neighbourhood of rows, added, and the course of the midline down the
neighbourhoods is traced with a cost for changing the slice, so that it can follow a scoliosis but not jump.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, median_filter, uniform_filter1d, zoom
from scipy.sparse import csr_array

_STEP = 2.0
"""Millimetres a pixel of the coarse images that are searched."""
_BAND = 20.0
"""Millimetres of rows that share a midline: half a disc and body."""
_NEIGHBOURHOOD = 60.0
"""Millimetres of rows that are looked at for it."""
_AIR = 0.08
_SKIN_TO_CANAL = (32.0, 95.0, 130.0)
"""Millimetres: at the least, usually at the most, and never more."""
_COLUMN_WEIGHT = 0.2
"""Of discs and bodies taking turns in front, against the band's contrast."""
_LEAN_COST = 0.04
_JUMP_COST = 0.048
"""Per millimetre from one neighbourhood to the next."""
_CANAL_WEIGHT, _SYMMETRY_WEIGHT, _CENTRE_WEIGHT = 1.0, 1.0, 0.25

Profile = NDArray[np.float32]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Canal:
    """The canal's course on one slice: `columns[r]` for row r of the displayed slice, in pixels."""

    columns: NDArray[np.float64]
    strength: NDArray[np.float64]
    """Contrast of the band against its sides per row, in parts of the series' bright signal."""


@dataclass(frozen=True)
class Midline:
    """The slice to open on, and the slice of each neighbourhood (top row, bottom row, slice)."""

    slice: int
    bands: tuple[tuple[int, int, int], ...]
    canal: Canal | None


def find_midline(slices: Sequence[NDArray[np.uint16]], spacing: float, gap: float) -> Midline:
    """Find the midline of a sagittal stack.

    Args:
        slices: Upright, anterior left, rows x columns, of one shape, ordered from side to side.
        spacing: Millimetres a pixel.
        gap: Millimetres from slice to slice.
    """
    bright = float(np.percentile(np.stack([s[::4, ::4] for s in slices]), 99.0)) or 1.0
    coarse = np.stack([_coarse(s, spacing) / np.float32(bright) for s in slices])
    traced = _trace(coarse)
    gap = max(gap, 0.5)
    score = _score(coarse, traced, gap)
    course = _course(score, gap)
    rows, height = coarse.shape[1], slices[0].shape[0]
    inner = course[len(course) // 6 : max(len(course) * 4 // 5, len(course) // 6 + 1)]
    whole = int(np.median(inner))
    at = np.arange(height) * (rows / height)
    own = traced[whole]
    canal = Canal(
        np.interp(at, np.arange(rows), own.columns) * (_STEP / spacing),
        np.interp(at, np.arange(rows), own.strength),
    )
    edges = [round(k * height / len(course)) for k in range(len(course) + 1)]
    bands = tuple(
        (edges[k], edges[k + 1], int(value)) for k, value in enumerate(course) if edges[k + 1] > edges[k]
    )
    return Midline(whole, bands, canal)


def _coarse(image: NDArray[np.uint16], spacing: float) -> Profile:
    rows, columns = image.shape
    down, across = _thinning(rows, spacing / _STEP, 0.5), _thinning(columns, spacing / _STEP, 0.3)
    return np.ascontiguousarray((across @ (down @ image.astype(np.float32)).T).T)


@lru_cache(maxsize=16)
def _thinning(count: int, factor: float, blur: float) -> Any:
    """Smoothing and resampling along one axis of `count` pixels as a sparse matrix: a multiplication takes a
    third of the time of the filters it is made with."""
    smooth = gaussian_filter1d(np.eye(count), blur / factor, axis=0)
    return csr_array(zoom(smooth, (factor, 1), order=1, grid_mode=True, mode="nearest").astype(np.float32))


def _band_response(image: Profile) -> Profile:
    """How much brighter a band is than both its sides, per pixel; the widest tried is 16 mm."""
    clipped = np.minimum(image, np.float32(1.0))
    best = np.zeros_like(clipped)
    flank = uniform_filter1d(clipped, 8, axis=1, mode="nearest")
    for width in (4, 6, 8):
        inside = uniform_filter1d(clipped, width, axis=1, mode="nearest")
        offset = width // 2 + 5
        left, right = np.roll(flank, offset, axis=1), np.roll(flank, -offset, axis=1)
        response = inside - np.maximum(left, right) * 0.7 - 0.3 * np.minimum(left, right)
        best = np.maximum(best, response)
    best[:, :10] = 0
    best[:, -8:] = 0
    return best


def _column_response(image: Profile) -> Profile:
    """How much the brightness 8 to 36 mm in front of a pixel changes up and down, as from disc to body."""
    clipped = np.minimum(image, np.float32(1.0))
    front = np.roll(uniform_filter1d(clipped, 14, axis=1, mode="nearest"), 11, axis=1)
    change = gaussian_filter1d(front, 1.0, axis=0, mode="nearest")
    change -= uniform_filter1d(front, 18, axis=0, mode="nearest")
    spread = np.sqrt(np.maximum(uniform_filter1d(change**2, 30, axis=0, mode="nearest"), 0))
    usual = uniform_filter1d(front, 30, axis=0, mode="nearest")
    return np.asarray(np.clip(3 * spread / np.maximum(usual, 0.1), 0, 1), dtype=np.float32)


def _depth_weight(image: Profile) -> Profile:
    """1 where the canal usually lies behind the skin of the back, 0 where it never does.

    The fat under the skin is such a band, too, and so is the fat of the belly.
    """
    columns = image.shape[1]
    air = _AIR + 1.2 * float(np.quantile(image, 0.05))  # Noise lifts the air.
    body = uniform_filter1d(np.minimum(image, np.float32(1.0)), 5, axis=1, mode="constant") > air
    skin = np.where(body.any(axis=1), columns - 1 - body[:, ::-1].argmax(axis=1), columns - 1)
    skin = median_filter(skin, 15, mode="nearest")
    depth = (skin[:, None] - np.arange(columns)[None, :]) * _STEP
    least, usual, most = _SKIN_TO_CANAL
    return np.asarray(np.clip((most - depth) / (most - usual), 0, 1) * (depth >= least), dtype=np.float32)


def _trace(images: Profile) -> list[Canal]:
    """The strongest connected course of each slice from the first to the last row."""
    weight = np.stack([_depth_weight(image) for image in images])
    band = np.stack([_band_response(image) for image in images]) * weight
    column = np.stack([_column_response(image) for image in images]) * weight
    response = band + np.float32(_COLUMN_WEIGHT) * column
    slices, rows, columns = response.shape
    came = np.zeros((rows, slices, columns), np.int8)
    # A wall on both sides, so that neighbours are plain views.
    total = np.full((slices, columns + 2), -1e9, np.float32)
    total[:, 1:-1] = response[:, 0]
    for r in range(1, rows):
        best, lean = total[:, 1:-1].copy(), came[r]
        for step, beside in ((-1, total[:, :-2]), (1, total[:, 2:])):
            leaning = beside - np.float32(_LEAN_COST)
            better = leaning > best
            best[better], lean[better] = leaning[better], step
        total[:, 1:-1] = best + response[:, r]
    course = np.zeros((rows, slices), int)
    course[-1] = total[:, 1:-1].argmax(axis=1)
    each = np.arange(slices)
    for r in range(rows - 1, 0, -1):
        course[r - 1] = course[r] + came[r, each, course[r]]
    strength = band[each[None, :], np.arange(rows)[:, None], course]
    return [Canal(course[:, k].astype(float), strength[:, k].astype(float)) for k in each]


def _score(coarse: Profile, traced: Sequence[Canal], gap: float) -> Table:
    """How much each slice (rows) looks like the midline in each neighbourhood (columns)."""
    rows = coarse.shape[1]
    count = max(round(rows * _STEP / _BAND), 1)
    reach = max(int(_NEIGHBOURHOOD / _STEP), 3)
    starts = ((np.arange(count) + 0.5) * rows / count).astype(int)
    strength = np.stack([t.strength for t in traced])
    # A broken band is no canal: the weak rows of a neighbourhood count, not its mean.
    canal = np.stack(
        [np.quantile(strength[:, max(s - reach // 2, 0) : s + reach // 2], 0.35, axis=1) for s in starts],
        axis=1,
    )
    canal = np.clip(canal, 0, None) / max(float(np.quantile(canal.max(axis=0), 0.75)), 1e-6)
    unlike = uniform_filter1d(_unlikeness(coarse, traced, gap), reach, axis=1, mode="nearest")[:, starts]
    usual = np.median(unlike, axis=0, keepdims=True)
    symmetry = np.clip((usual - unlike) / np.maximum(usual, 1e-6), -1, 1) * 2
    centre = -np.abs(np.arange(len(coarse)) - (len(coarse) - 1) / 2)[:, None] * gap / 30.0
    total = _CANAL_WEIGHT * np.minimum(canal, 1.0) + _SYMMETRY_WEIGHT * symmetry + _CENTRE_WEIGHT * centre
    return np.asarray(total, dtype=np.float64)


def _unlikeness(coarse: Profile, traced: Sequence[Canal], gap: float) -> Table:
    """Difference of the slices to the left and right of each slice, per row, around the spine."""
    count, rows, columns = coarse.shape
    best = max(traced, key=lambda t: float(np.quantile(t.strength, 0.35)))
    x = np.arange(columns)[None, :] - best.columns[:, None]
    near = ((x > -55 / _STEP) & (x < 35 / _STEP)).astype(np.float32)
    log = np.log(np.maximum(coarse, 0.02))
    weight = near.sum(axis=1)
    result = np.full((count, rows), np.nan)
    far = max(round(26 / gap), 1)
    for middle in range(count):
        steps = [d for d in range(1, far + 1) if middle - d >= 0 and middle + d < count]
        if len(steps) < min(3, far):
            continue
        # Slices further apart differ more, and near the stack's ends there are no far ones to compare.
        expected = sum(np.sqrt(d) for d in steps)
        difference = sum(np.abs(log[middle - d] - log[middle + d]) for d in steps) / expected
        result[middle] = (difference * near).sum(axis=1) / np.maximum(weight, 1)
    worst = np.nanmax(result) if np.isfinite(result).any() else 0.0
    return np.where(np.isfinite(result), result, worst)


def _course(score: Table, gap: float) -> NDArray[np.int_]:
    """The best slice of each neighbourhood, with a cost for every millimetre of change."""
    slices, count = score.shape
    index = np.arange(slices)
    cost = np.abs(index[:, None] - index[None, :]) * gap * _JUMP_COST
    total = score[:, 0]
    came = []
    for k in range(1, count):
        options = total[:, None] - cost
        came.append(options.argmax(axis=0))
        total = options.max(axis=0) + score[:, k]
    course = [int(total.argmax())]
    for step in reversed(came):
        course.append(int(step[course[-1]]))
    return np.asarray(course[::-1])
