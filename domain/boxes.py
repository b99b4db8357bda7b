"""Axis-aligned boxes on a displayed slice."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Box(BaseModel):
    """A box in pixels of the displayed slice: origin top left, x to the right, y down.

    Edges, not pixel centres: a box over the first pixel is (0, 0, 1, 1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError(f"a box needs x1 < x2 and y1 < y2, got {self.as_list()}")
        return self

    def as_list(self) -> list[float]:
        """`[x1, y1, x2, y2]`."""
        return [self.x1, self.y1, self.x2, self.y2]

    @classmethod
    def from_list(cls, edges: list[float] | tuple[float, ...]) -> Self:
        """The box of `[x1, y1, x2, y2]`."""
        x1, y1, x2, y2 = edges
        return cls(x1=x1, y1=y1, x2=x2, y2=y2)

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2


def intersection_over_union(a: Box, b: Box) -> float:
    """Overlap of two boxes on the same slice, 0 to 1."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.area + b.area - shared)
