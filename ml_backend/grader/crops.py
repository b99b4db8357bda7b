"""Crops of one disc at a common scale and orientation, windowed by the grey values around it.

A crop turns with the column, so the disc lies level; its scale is the local distance between discs, so a
collapsed disc looks collapsed. Three channels: the disc against its neighbourhood's grey values, the disc
against the whole column's (cerebrospinal fluid and the other discs), and the wider neighbourhood.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ml_backend.samples import BoxArray
from ml_backend.tone import percentiles

Crop = npt.NDArray[np.float32]
"""(3, CROP_HEIGHT, CROP_WIDTH), 0 black to 1 white, noise a little beyond."""
CROP_HEIGHT, CROP_WIDTH = 96, 128
NEAR = 1.75
"""Width of the close crop in disc spacings: the disc, the canal behind it, half a vertebra on each side."""
WIDE = 3.1
SPACING_TO_WIDTH = 0.86
SHAPE_FEATURES = 5


@dataclass(frozen=True)
class Frame:
    """Where a disc lies: middle in pixels, spacing in pixels, tilt in radians, and its shape in numbers.

    `shape` is (SHAPE_FEATURES,): position from below, box height and width by spacing, local by median
    spacing, and whether it is the uppermost.
    """

    middle: tuple[float, float]
    spacing: float
    tilt: float
    shape: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Jitter:
    """A random change of the view of a disc; the default changes nothing."""

    shift: tuple[float, float] = (0.0, 0.0)
    """In spacings."""
    scale: float = 1.0
    turn: float = 0.0
    """Radians."""
    mirror: bool = False
    flip: bool = False
    gamma: float = 1.0
    gain: float = 1.0
    noise: float = 0.0
    blur: float = 0.0


PLAIN = Jitter()


def frame_discs(boxes: BoxArray) -> list[Frame]:
    """Frames of all discs of a column, (discs, 4) boxes from the lowest up."""
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.float64)
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    count = len(boxes)
    spacings = _local_spacings(centres, float(np.median(widths)) if count else 1.0)
    tilts = _tilts(centres)
    typical = float(np.median(spacings)) if count else 1.0
    return [
        Frame(
            middle=(float(centres[i, 0]), float(centres[i, 1])),
            spacing=float(spacings[i]),
            tilt=float(tilts[i]),
            shape=np.array(
                [
                    i / 4 - 1,
                    4 * (heights[i] / spacings[i] - 0.5),
                    4 * (widths[i] / spacings[i] - 1.15),
                    4 * (spacings[i] / typical - 1),
                    float(i == count - 1),
                ],
                np.float32,
            ),
        )
        for i in range(count)
    ]


def crop_disc(
    image: npt.NDArray[np.uint8], frame: Frame, window: tuple[float, float], jitter: Jitter = PLAIN
) -> Crop:
    """The three-channel crop of one disc.

    Args:
        image: (height, width).
        frame: Where the disc lies.
        window: Grey values of the whole column shown as black and white, see `column_window`.
        jitter: Random change for training.
    """
    near = _sample(image, frame, NEAR, jitter)
    wide = _sample(image, frame, WIDE, jitter)
    low, high = percentiles(wide, (1, 99))
    channels = np.stack(
        (
            _window(near, float(low), float(high)),
            _window(near, *window),
            _window(wide, float(low), float(high)),
        )
    )
    return _tone(channels, jitter)


def column_window(image: npt.NDArray[np.uint8], frames: list[Frame]) -> tuple[float, float]:
    """Black and white for the whole column: 1st and 99th percentile of the grey values near its discs."""
    samples = [_sample(image, frame, NEAR, PLAIN)[::3, ::3].ravel() for frame in frames]
    low, high = percentiles(np.concatenate(samples), (1, 99))
    return float(low), float(high)


def _local_spacings(centres: npt.NDArray[np.float64], width: float) -> npt.NDArray[np.float64]:
    """Distance to the neighbours, drawn to the column's linear trend: one bad box must not rule a scale."""
    count = len(centres)
    if count < 3:
        alone = np.linalg.norm(centres[1] - centres[0]) if count == 2 else SPACING_TO_WIDTH * width
        return np.full(count, max(float(alone), 1.0))
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    typical = float(np.median(steps))
    steps = np.clip(steps, 0.7 * typical, 1.4 * typical)
    trend = np.polyval(np.polyfit(np.arange(count - 1) + 0.5, steps, 1), np.arange(count))
    padded = np.concatenate((steps[:1], steps, steps[-1:]))
    near = (padded[:-1] + padded[1:]) / 2
    drawn = 0.5 * near + 0.5 * np.clip(trend, 0.7 * typical, 1.4 * typical)
    return np.asarray(np.maximum(drawn, 1.0), np.float64)


def _tilts(centres: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Angle by which each disc is turned from the horizontal: across the smooth curve through the middles."""
    count = len(centres)
    if count < 3:
        return np.zeros(count)
    along = np.arange(count, dtype=np.float64)
    degree = 3 if count >= 5 else 2
    curve_x, curve_y = np.polyfit(along, centres[:, 0], degree), np.polyfit(along, centres[:, 1], degree)
    right, down = np.polyval(np.polyder(curve_x), along), np.polyval(np.polyder(curve_y), along)
    return np.clip(np.arctan2(right, -down), -1.0, 1.0)


def _sample(
    image: npt.NDArray[np.uint8], frame: Frame, extent: float, jitter: Jitter
) -> npt.NDArray[np.uint8]:
    """(CROP_HEIGHT, CROP_WIDTH) of the image around the disc, `extent` spacings wide, outside repeated."""
    step = extent * frame.spacing * jitter.scale / CROP_WIDTH
    angle = frame.tilt + jitter.turn
    cosine, sine = np.cos(angle) * step, np.sin(angle) * step
    mirror, flip = (-1.0 if jitter.mirror else 1.0), (-1.0 if jitter.flip else 1.0)
    to_image = np.array([[cosine * mirror, -sine * flip], [sine * mirror, cosine * flip]])
    middle = np.array(frame.middle) + np.array(jitter.shift) * frame.spacing
    offset = middle - to_image @ (np.array([CROP_WIDTH - 1, CROP_HEIGHT - 1]) / 2) - 0.5
    affine = np.column_stack((to_image, offset))
    sampled = cv2.warpAffine(
        image,
        affine,
        (CROP_WIDTH, CROP_HEIGHT),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, np.uint8)


def _window(greys: npt.NDArray[np.uint8], low: float, high: float) -> npt.NDArray[np.float32]:
    shown = np.clip((np.arange(256, dtype=np.float32) - low) / max(high - low, 1.0), 0, 1)
    return np.asarray(cv2.LUT(greys, shown), np.float32)


def _tone(channels: npt.NDArray[np.float32], jitter: Jitter) -> Crop:
    if jitter.gamma != 1.0 or jitter.gain != 1.0:
        channels = np.clip(channels * np.float32(jitter.gain), 0, 1) ** np.float32(jitter.gamma)
    if jitter.blur:
        channels = np.stack([cv2.GaussianBlur(channel, (0, 0), jitter.blur) for channel in channels])
    if jitter.noise:
        seed = int(1e6 * jitter.noise) + int(channels.sum() * 1e3) % 1000
        noise = np.random.default_rng(seed).normal(0, jitter.noise, channels.shape)
        channels = channels + noise.astype(np.float32)
    return np.asarray(channels, np.float32)
