"""Grey values to a common tone, so that a dark export and a bright one look alike to the networks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]
"""(height, width), 0 black to 1 white."""
FOREGROUND = 0.04
MIDDLE_GREY = 0.33
GAMMAS = (0.45, 1.8)


def common_tone(image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> FloatImage:
    """Scale to the 99.5th percentile and bend so that the foreground's mean is a middle grey.

    Args:
        image: (height, width), 8 or 16 bit.

    Returns:
        (height, width) float32 from 0 to 1. A constant image becomes black.
    """
    if image.dtype == np.uint8:
        low, high = percentiles(np.asarray(image, np.uint8), (0.5, 99.5))
    else:
        low, high = np.percentile(image, (0.5, 99.5))
    if high <= low:
        return np.zeros(image.shape, np.float32)
    if image.dtype == np.uint8:
        table = _bend(
            (np.arange(256, dtype=np.float32) - low) / (high - low), np.bincount(image.ravel(), minlength=256)
        )
        return np.asarray(cv2.LUT(image, table), np.float32)
    scaled = ((image.astype(np.float32) - low) / (high - low)).astype(np.float32)
    return _bend(scaled, np.ones(scaled.shape, np.int64))


def percentiles(greys: npt.NDArray[np.uint8], shares: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """What `numpy.percentile` says of 8-bit greys, by counting them: in a tenth of its time."""
    ranks = np.bincount(greys.ravel(), minlength=256).cumsum()
    positions = np.array(shares) / 100 * (greys.size - 1)
    below = np.floor(positions)
    low, high = (ranks.searchsorted(np.minimum(at, greys.size - 1), "right") for at in (below, below + 1))
    return np.asarray(low + (high - low) * (positions - below), np.float64)


def _bend(values: npt.NDArray[np.float32], counts: npt.NDArray[np.integer]) -> FloatImage:
    """Clip to 0-1 and apply the gamma that brings the counted foreground to a middle grey."""
    values = np.clip(values, 0, 1)
    foreground = values > FOREGROUND
    total = float((counts * foreground).sum())
    if not total:
        return values
    mean = float((values * counts * foreground).sum()) / total
    gamma = float(np.clip(np.log(MIDDLE_GREY) / np.log(min(mean, 0.999)), *GAMMAS))
    return np.asarray(values**gamma, np.float32)
