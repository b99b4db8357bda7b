"""Random views of a labelled slice for training the detector: geometry in one warp, then tone."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ml_backend.samples import BoxArray
from ml_backend.tone import FloatImage

Affine = npt.NDArray[np.float32]
"""(2, 3), slice pixels to view pixels."""
MIRROR_SHARE = 0.25
VISIBLE = 0.45


def random_view(
    picture: FloatImage, boxes: BoxArray, side: int, generator: np.random.Generator
) -> tuple[FloatImage, BoxArray]:
    """A `side` x `side` view of the slice, moved, turned, scaled, and of another tone, with its boxes."""
    height, width = picture.shape
    affine, scale_x, scale_y, angle = _random_affine(width, height, side, generator)
    view = cv2.warpAffine(picture, affine, (side, side), flags=cv2.INTER_LINEAR)
    moved = _move(boxes, affine, (scale_x, scale_y), angle)
    return random_tone(np.asarray(view, np.float32), generator), _visible(moved, side)


def random_tone(view: FloatImage, generator: np.random.Generator) -> FloatImage:
    """Another coil, window and noise: shading, gamma, gain, blur and Gaussian noise."""
    height, width = view.shape
    if generator.random() < 0.4:
        across = np.linspace(-1, 1, width, dtype=np.float32)[None] * generator.normal(0, 0.5)
        down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * generator.normal(0, 0.3)
        view = view * np.exp(across + down).astype(np.float32)
    view = np.clip(view * np.float32(generator.uniform(0.75, 1.3)), 0, 1) ** np.float32(
        generator.uniform(0.65, 1.5)
    )
    if generator.random() < 0.2:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), float(generator.uniform(0.4, 1.1))), np.float32)
    if generator.random() < 0.3:
        view = view + generator.normal(0, generator.uniform(0.01, 0.06), view.shape).astype(np.float32)
    return np.asarray(np.clip(view, 0, 1), np.float32)


def _random_affine(
    width: int, height: int, side: int, generator: np.random.Generator
) -> tuple[Affine, float, float, float]:
    scale = side / max(width, height) * float(np.exp(generator.normal(0, 0.16)))
    stretch = float(np.exp(generator.normal(0, 0.05)))
    scale_x, scale_y = scale * stretch, scale / stretch
    mirror = -1.0 if generator.random() < MIRROR_SHARE else 1.0
    angle = float(np.deg2rad(generator.normal(0, 5)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([mirror * scale_x, scale_y])
    middle = np.array([width, height]) / 2 + generator.normal(0, 0.06, 2) * (width, height)
    offset = side / 2 - matrix @ middle
    return np.column_stack((matrix, offset)).astype(np.float32), scale_x, scale_y, angle


def _move(boxes: BoxArray, affine: Affine, scales: tuple[float, float], angle: float) -> BoxArray:
    """Boxes of the turned discs, a disc taken as the ellipse in its box."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ affine[:, :2].T + affine[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) / 2 * np.array(scales)
    cosine, sine = np.cos(angle), np.sin(angle)
    half_width = np.hypot(half[:, 0] * cosine, half[:, 1] * sine)
    half_height = np.hypot(half[:, 0] * sine, half[:, 1] * cosine)
    extent = np.column_stack((half_width, half_height))
    return np.asarray(np.concatenate((centres - extent, centres + extent), axis=1), np.float32)


def _visible(boxes: BoxArray, side: int) -> BoxArray:
    """Boxes cut to the view; those of which too little is left are dropped."""
    cut = np.clip(boxes, 0, side)
    left = np.prod(cut[:, 2:] - cut[:, :2], axis=1)
    whole = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return np.asarray(cut[left > VISIBLE * whole], np.float32)
