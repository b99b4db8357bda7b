"""The simulated curves as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discloop.simulate.replay import Curve
from discloop.simulate.report import SimulationReport

WIDTH, HEIGHT, MARGIN, LEGEND = 720, 420, 56, 136
"""Pixels: the plot with its axes, and beside it the names of the curves."""
HIGHEST, EVERY = 0.7, 100
"""Kappa at the upper edge; labelled discs between two ticks."""
COLOURS = ("#6b7280", "#0f766e", "#b45309", "#6d28d9", "#be123c", "#1d4ed8")


def picture(curves: Mapping[str, Sequence[Curve]], report: SimulationReport) -> str:
    """Mean curves with their 95% band over seeds, as SVG."""
    length = min(len(curve.labels) for runs in curves.values() for curve in runs)
    right = max(float(np.mean([c.labels[length - 1] for c in runs])) for runs in curves.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEGEND} {HEIGHT}" '
        'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{MARGIN}" y="22">Simulated: linear kappa by labelled discs, mean of {report.seeds} seeds '
        f"with its 95% band, {report.patients} patients</text>",
        *_axes(right),
    ]
    for row, (colour, (name, runs)) in enumerate(zip(COLOURS, curves.items(), strict=True)):
        parts += _band(runs, length, right, colour)
        y = MARGIN + 22 * row
        parts.append(f'<rect x="{WIDTH + 10}" y="{y - 2}" width="22" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH + 40}" y="{y + 4}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axes(right: float) -> list[str]:
    parts = []
    for tick in (0.0, 0.2, 0.4, 0.6):
        y = _y(tick)
        parts.append(f'<line x1="{MARGIN}" x2="{WIDTH - 10}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{MARGIN - 8}" y="{y + 4}" text-anchor="end">{tick}</text>')
    for labels in range(0, int(right) + 1, EVERY):
        x, y = _x(labels, right), HEIGHT - MARGIN + 18
        parts.append(f'<text x="{x}" y="{y}" text-anchor="middle">{labels}</text>')
    middle = (MARGIN + WIDTH) // 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">labelled discs</text>')
    return parts


def _x(labels: float, right: float) -> float:
    return round(MARGIN + labels / right * (WIDTH - MARGIN - 10), 1)


def _y(kappa: float) -> float:
    return round(HEIGHT - MARGIN - kappa / HIGHEST * (HEIGHT - 2 * MARGIN), 1)


def _band(runs: Sequence[Curve], length: int, right: float, colour: str) -> list[str]:
    labels: Any = np.mean([c.labels[:length] for c in runs], axis=0)
    kappas = np.array([c.smooth[:length] for c in runs])
    mean = kappas.mean(0)
    half = 1.96 * kappas.std(0) / max(len(runs), 1) ** 0.5

    def points(values: Any) -> list[str]:
        return [
            f"{_x(float(at), right)},{_y(float(kappa))}" for at, kappa in zip(labels, values, strict=True)
        ]

    around = " ".join(points(mean + half) + points(mean - half)[::-1])
    return [
        f'<polygon points="{around}" fill="{colour}" opacity="0.15"/>',
        f'<polyline points="{" ".join(points(mean))}" fill="none" stroke="{colour}" stroke-width="2"/>',
    ]
