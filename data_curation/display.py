"""One window per series with cerebrospinal fluid unclipped, and the scout of an axial stack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from data_curation.midline import Canal
from data_curation.policy import Display

SCOUT_SCALE = 2
_GREYS, _LINE, _TEXT, _SHADOW = 250, 253, 254, 0
"""Palette: greys up to 250, then the lines' and the numbers' yellow."""
_PALETTE = [v for k in range(253) for v in [min(round(k * 255 / _GREYS), 255)] * 3] + [
    255,
    196,
    0,
    255,
    232,
    140,
]


def window_of(
    slices: Sequence[NDArray[np.uint16]], rules: Display, fluid: float | None = None
) -> tuple[float, float]:
    """Pixel values shown as black and white.

    Args:
        slices: The slices the window is made for; the middle ones decide.
        rules: Thresholds.
        fluid: Signal of cerebrospinal fluid, where it was found.
    """
    middle = len(slices) // 2
    half = rules.midline_slices // 2
    sample = np.stack([s[::3, ::3] for s in slices[max(middle - half, 0) : middle + half + 1]]).astype(
        np.float32
    )
    low = float(np.percentile(sample, rules.black_percentile))
    body = sample[sample > low + 0.05 * (float(sample.max()) - low)]
    high = float(np.percentile(body, rules.bright_percentile)) if body.size else float(sample.max())
    if fluid is not None:
        high = fluid * rules.headroom
    return low, max(high, low + 1.0)


def fluid_signal(image: NDArray[np.uint16], canal: Canal, spacing: float) -> float | None:
    """Signal of cerebrospinal fluid: the bright end of the pixels along the canal, if that is a clear one."""
    clear = canal.strength > 0.25 * max(float(canal.strength.max()), 1e-6)
    rows = np.flatnonzero(clear)
    if rows.size < image.shape[0] // 8:
        return None
    reach = max(round(5 / spacing), 1)
    columns = np.clip(
        np.rint(canal.columns[rows]).astype(int)[:, None] + np.arange(-reach, reach + 1),
        0,
        image.shape[1] - 1,
    )
    return float(np.percentile(image[rows[:, None], columns], 98.0))


def to_display(image: NDArray[np.uint16], window: tuple[float, float]) -> NDArray[np.uint8]:
    """8-bit grey of a slice."""
    low, high = window
    scaled = (image.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
    return np.clip(scaled + np.float32(0.5), 0, 255).astype(np.uint8)


Line = tuple[int, tuple[float, float], tuple[float, float]]


def draw_scout(midline: NDArray[np.uint8], lines: Sequence[Line]) -> PillowImage.Image:
    """The sagittal midline slice, twice as large, with the axial slices' lines and their numbers from 1.

    Args:
        midline: 8-bit slice.
        lines: Slice number from 0 and the line's ends in pixels of the scout.
    """
    grey = PillowImage.fromarray(midline)
    size = (grey.width * SCOUT_SCALE, grey.height * SCOUT_SCALE)
    scout = np.asarray(grey.resize(size, PillowImage.Resampling.BICUBIC), dtype=np.float32)
    image = PillowImage.fromarray(np.rint(scout * (_GREYS / 255)).astype(np.uint8), mode="L")
    image.putpalette(_PALETTE)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    font = ImageFont.load_default(size=13)
    for number, start, end in lines:
        pen.line([start, end], fill=_LINE, width=1)
        x = min(max(start[0], 2), image.width - 40) + (18 if number % 2 else 0)
        slope = (end[1] - start[1]) / max(end[0] - start[0], 1e-6)
        y = start[1] + slope * (x - start[0]) - 7
        pen.text((x, y), str(number + 1), fill=_TEXT, font=font, stroke_width=2, stroke_fill=_SHADOW)
    return image
