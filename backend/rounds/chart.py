"""The loss by epoch as points of an SVG line: no script, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT = 640, 160


@dataclass(frozen=True)
class Line:
    """One stage's curve; points are `x,y x,y ...` in pixels of a WIDTH x HEIGHT picture."""

    stage: str
    points: str
    first: float
    last: float
    epochs: int


def chart_of(history: Sequence[Mapping[str, Any]]) -> list[Line]:
    """A line a stage, each over its own epochs and scaled to its own largest loss.

    Stages of fewer than two points are left out.
    """
    stages: dict[str, list[tuple[float, float]]] = {}
    for line in history:
        epoch, loss = line.get("epoch"), line.get("loss")
        if isinstance(epoch, int | float) and isinstance(loss, int | float):
            stages.setdefault(str(line.get("stage", "training")), []).append((float(epoch), float(loss)))
    return [_line(stage, points) for stage, points in stages.items() if len(points) > 1]


def _line(stage: str, points: list[tuple[float, float]]) -> Line:
    first, last = min(epoch for epoch, _ in points), max(epoch for epoch, _ in points)
    span = (last - first) or 1.0
    top = max(loss for _, loss in points) or 1.0
    placed = [
        f"{(epoch - first) / span * WIDTH:.1f},{HEIGHT - loss / top * HEIGHT:.1f}" for epoch, loss in points
    ]
    return Line(stage, " ".join(placed), points[0][1], points[-1][1], len(points))
