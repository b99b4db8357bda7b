"""A slice of any size into the network's square-ish input and boxes back out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from ml_backend.samples import BoxArray, GreyImage
from ml_backend.tone import FloatImage, common_tone

STRIDE = 32


@dataclass(frozen=True)
class Letterbox:
    """Scale so that the longer side is `side` pixels, then pad right and below to multiples of 32."""

    scale: float
    width: int
    height: int

    @classmethod
    def of(cls, width: int, height: int, side: int) -> Self:
        """The letterbox of a slice of that size."""
        return cls(scale=side / max(width, height), width=width, height=height)

    @property
    def inner(self) -> tuple[int, int]:
        """(width, height) of the scaled slice."""
        return max(1, round(self.width * self.scale)), max(1, round(self.height * self.scale))

    @property
    def padded(self) -> tuple[int, int]:
        """(width, height) of the network's input."""
        width, height = self.inner
        return -(-width // STRIDE) * STRIDE, -(-height // STRIDE) * STRIDE

    def apply(self, image: GreyImage) -> FloatImage:
        """The network's input for the slice (height, width), of common tone, padded with black."""
        (width, height), (padded_width, padded_height) = self.inner, self.padded
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        framed = np.zeros((padded_height, padded_width), np.float32)
        resized = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
        framed[:height, :width] = common_tone(resized)
        return framed

    def restore(self, boxes: BoxArray) -> BoxArray:
        """Boxes on the network's input as boxes on the slice, clipped to it."""
        limits = np.array([self.width, self.height] * 2, np.float32)
        return np.clip(boxes / np.float32(self.scale), 0, limits)
