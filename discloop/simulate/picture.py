"""The simulated curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discloop.simulate.replay import Curve
from discloop.simulate.report import BASELINE, OURS, SimulationReport

WIDTH, HEIGHT, MARGIN, LEGEND = 720, 420, 56, 136
"""Pixels: the plot with its axes, and beside it the names of the curves."""
TICK, EVERY = 0.05, 100
"""Kappa and labelled discs between two ticks."""
COLOURS = ("#6b7280", "#0f766e", "#b45309", "#6d28d9", "#be123c", "#1d4ed8")
COMPARED = (BASELINE, OURS)
"""Drawn last, thick, with their bands: six bands would hide each other."""


def picture(curves: Mapping[str, Sequence[Curve]], report: SimulationReport) -> str:
    """Mean curves, as SVG; what is compared with its 95% band over seeds."""
    plot = _Plot(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEGEND} {HEIGHT}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{MARGIN}" y="22">Simulated: linear kappa by labelled discs, {report.seeds} seeds, '
        f"{report.patients} patients; bands: 95% over seeds; kappa does not start at 0</text>",
        *plot.axes(),
    ]
    colours = dict(zip(curves, COLOURS, strict=True))
    for name in sorted(curves, key=lambda name: (name in COMPARED, list(curves).index(name))):
        parts += plot.curve(curves[name], colours[name], is_compared=name in COMPARED)
    for row, (name, colour) in enumerate(colours.items()):
        y = MARGIN + 22 * row
        parts.append(f'<rect x="{WIDTH + 10}" y="{y - 2}" width="22" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH + 40}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


class _Plot:
    """The axes' ends, and what is drawn between them."""

    def __init__(self, curves: Mapping[str, Sequence[Curve]]) -> None:
        every = [curve for runs in curves.values() for curve in runs]
        self.length = min(len(curve.labels) for curve in every)
        self.right = max(float(self._means(runs)[0][-1]) for runs in curves.values())
        around = [self._means(curves[name]) for name in COMPARED]
        means = [self._means(runs)[1] for runs in curves.values()]
        self.low = int(min([m.min() for m in means] + [(m - h).min() for _, m, h in around]) / TICK)
        self.high = int(max([m.max() for m in means] + [(m + h).max() for _, m, h in around]) / TICK) + 1

    def _means(self, runs: Sequence[Curve]) -> tuple[Any, Any, Any]:
        """Labels, mean kappa and half its band, each (steps,)."""
        kappas = np.array([curve.smooth[: self.length] for curve in runs])
        labels = np.mean([curve.labels[: self.length] for curve in runs], axis=0)
        return labels, kappas.mean(0), 1.96 * kappas.std(0) / max(len(runs), 1) ** 0.5

    def _x(self, labels: float) -> float:
        return round(MARGIN + labels / self.right * (WIDTH - MARGIN - 10), 1)

    def _y(self, kappa: float) -> float:
        share = (kappa / TICK - self.low) / (self.high - self.low)
        return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)

    def axes(self) -> list[str]:
        """Lines and numbers at the ticks."""
        parts = []
        for step in range(self.low, self.high + 1):
            y = self._y(step * TICK)
            parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - 10}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>')
            parts.append(f'<text x="{MARGIN - 8}" y="{y + 4}" text-anchor="end">{step * TICK:.2f}</text>')
        for labels in range(0, int(self.right) + 1, EVERY):
            x, y = self._x(labels), HEIGHT - MARGIN + 18
            parts.append(f'<text x="{x}" y="{y}" text-anchor="middle">{labels}</text>')
        middle = (MARGIN + WIDTH) // 2
        parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">labelled discs</text>')
        return parts

    def curve(self, runs: Sequence[Curve], colour: str, *, is_compared: bool) -> list[str]:
        """The mean, and what is compared with its band."""
        labels, mean, half = self._means(runs)

        def points(kappas: Any) -> list[str]:
            return [f"{self._x(float(x))},{self._y(float(y))}" for x, y in zip(labels, kappas, strict=True)]

        width = 3 if is_compared else 1.3
        line = " ".join(points(mean))
        parts = [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="{width}"/>']
        if is_compared:
            around = " ".join(points(mean + half) + points(mean - half)[::-1])
            parts.insert(0, f'<polygon points="{around}" fill="{colour}" opacity="0.15"/>')
        return parts
