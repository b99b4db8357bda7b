"""Painting a disc, what comes out of it, and what wear does to the bone beside it.

Pfirrmann et al. 2001: 1 bright and even; 2 bright, uneven, often with a darker band from front to back;
3 grey, the border of nucleus and annulus lost; 4 grey to black, lower; 5 black and collapsed. Signals lie
between these words and real discs: in SPIDER's, a nucleus has 0.51, 0.36, 0.23, 0.13 and 0.17 of the signal
of the fluid beside it (medians by grade; at 5 some of the bone is measured with it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_curation.phantom.anatomy import DiscBody
from data_curation.phantom.canvas import Canvas, Grain, Image, Tissue, Window, ellipsoid, inside

CORTEX = Tissue(0.05, 0.06)
LIGAMENT = Tissue(0.07, 0.1)
MARROW = Tissue(0.47, 0.62)
NUCLEUS_T2 = {1: 0.67, 2: 0.43, 3: 0.25, 4: 0.13, 5: 0.1}
_ANNULUS_T2 = {1: 0.1, 2: 0.1, 3: 0.1, 4: 0.08, 5: 0.06}
_MOTTLE = {1: 0.07, 2: 0.3, 3: 0.32, 4: 0.32, 5: 0.5}
"""Spread of the nucleus' signal within a disc, as a share of it: fibres run from front to back."""
_BETWEEN = {1: 0.14, 2: 0.12, 3: 0.08, 4: 0.12, 5: 0.15}
"""Spread of the nucleus' signal from disc to disc."""
_ROUGH = {1: 0.12, 2: 0.12, 3: 0.2, 4: 0.4, 5: 0.5}
_ERODED = {1: 0.0, 2: 0.0, 3: 0.0, 4: 0.25, 5: 0.7}
"""Unevenness of the end plates, millimetres: fine and coarse."""
_COLLAPSED = 2.3
"""Millimetres: half the height of a collapsed disc, about."""
_BORDER = {1: 0.36, 2: 0.48, 3: 0.9, 4: 1.3, 5: 1.5}
"""Width of the change from nucleus to annulus, as a share of the nucleus."""
_CLEFT = {2: 0.58, 3: 0.25}
"""Depth of the darker band of fibres in the nucleus, as a share of its signal."""
_LIP = {4: 1.2, 5: 4.5}
"""Millimetres that bone grows beyond the front edges of the end plates."""
_FLARE = 9.0
"""Millimetres of the body's height over which it widens to its lip."""
_CHANGED = {4: 0.35, 5: 0.9}
"""Strength of the change of the marrow beside a worn disc (Modic et al. 1988)."""


@dataclass
class DiscMask:
    """Where a disc lies on a slice: coverage 0 to 1 within a window."""

    index: int
    window: Window
    disc: Image
    herniation: Image | None
    zone: Image | None


def outline(p: Image, q: Image, half_depth: Image | float, half_width: float) -> Image:
    """Radius (1 at the edge) of a body's outline seen from above: rounded, flat and hollow behind."""
    hollow = 0.1 * np.exp(-((q / 10.0) ** 2)) * (p > 0)
    edge: Image = (np.abs(p / half_depth) ** 2.6 + np.abs(q / half_width) ** 2.3) ** np.float32(0.4)
    return np.asarray(edge + hollow, dtype=np.float32)


def paint_disc(canvas: Canvas, disc: DiscBody, grain: Grain) -> DiscMask | None:
    """Paint a disc, or nothing and return None where the slice passes it by."""
    frame = disc.frame
    window = canvas.around(frame.centre, disc.half_width + 10)
    if window is None:
        return None
    p, q, v = window.local(frame.centre, frame.back, frame.left, frame.up)
    depth = disc.half_depth + disc.bulge
    radius = outline(p, q, depth, disc.half_width)
    flat = disc.height / 2 - p * np.float32(np.tan(disc.wedge / 2))
    rough = grain.at(window, 2.4) * np.float32(_ROUGH[disc.grade])
    rough += grain.at(window, 6.0) * np.float32(_ERODED[disc.grade])
    half = flat - 0.9 + 1.9 * np.clip(1 - radius**2, 0, 1)
    if disc.grade == 5:
        # Bone has grown to where a collapsed disc would still be high, as in front of the lowest.
        gap = np.maximum((radius - 1) * np.float32(depth) + 1, np.abs(v) - half - 1)
        canvas.fill(window, inside(gap), MARROW)
        half = np.minimum(half, _COLLAPSED + 0.25 * (half - _COLLAPSED))
    half += rough
    across, along = (radius - 1) * np.float32(depth), np.abs(v) - np.maximum(half, 0.6)
    distance = np.maximum(across, along) + np.float32(0.2) * np.maximum(0, 1.5 + np.minimum(across, along))
    disc_mask = inside(distance)
    if not disc_mask.any() and disc.herniation is None:
        return None
    if disc.grade in _LIP:
        _paint_wear(canvas, disc, window, (p, q, v), along, flat, grain)
    canvas.fill(window, inside(distance - np.float32(0.6)), CORTEX)
    t2 = _disc_signal(disc, p / depth, q / disc.half_width, v / np.maximum(half, 0.6), grain, window)
    canvas.paint(window, disc_mask, t2, 0.3 + 0.1 * (t2 > 0.2))
    herniation = _paint_herniation(canvas, disc, window, p, q, v) if disc.herniation else None
    zone = _paint_zone(canvas, disc, window, p, q, v) if disc.zone else None
    return DiscMask(disc.index, window, disc_mask, herniation, zone)


def _of_its_own(disc: DiscBody, kind: float) -> np.float32:
    """A number from -1 to 1 that belongs to the disc: the same on every slice."""
    return np.float32(np.sin(kind * float(disc.frame.centre.sum()) + 7 * disc.height))


def _disc_signal(disc: DiscBody, u: Image, s: Image, t: Image, grain: Grain, w: Window) -> Image:
    """T2 signal of nucleus and annulus; `u`, `s`, `t` run -1 to 1 from front to back, side to side, up."""
    grade = disc.grade
    flat = np.sqrt(((u - 0.04) / 0.72) ** 2 + (s / 0.74) ** 2)
    core = (np.abs(flat) ** 3 + np.abs(t) ** 3) ** np.float32(1 / 3)
    share = np.clip((1 - core) / np.float32(_BORDER[grade]) + 0.5, 0, 1)
    mottle = grain.at(w, 2.4, (0.5, 0.5, 1.2))
    own = np.float32(NUCLEUS_T2[grade]) * (1 + np.float32(_BETWEEN[grade]) * _of_its_own(disc, 3.1))
    nucleus = own * (1 + np.float32(_MOTTLE[grade]) * mottle)
    if grade in _CLEFT:
        # The band waves with the fibres, fades towards the annulus, and is deeper in some discs.
        deep = np.float32(_CLEFT[grade]) * (1 + np.float32(0.3) * _of_its_own(disc, 5.3))
        band = np.exp(-((t - np.float32(0.08) - 0.16 * mottle) ** 2) / np.float32(0.035))
        nucleus *= 1 - deep * band * np.clip((0.75 - np.abs(u)) / 0.25, 0, 1)
    lamellae = np.float32(0.012) * np.cos(core * 15 + mottle)
    signal = _ANNULUS_T2[grade] + lamellae + share * (nucleus - _ANNULUS_T2[grade])
    return np.asarray(np.clip(signal, 0.02, 1), dtype=np.float32)


def _paint_wear(
    canvas: Canvas,
    disc: DiscBody,
    w: Window,
    place: tuple[Image, Image, Image],
    beyond: Image,
    edge: Image,
    grain: Grain,
) -> None:
    """Changed marrow beside the end plates, patchy, bright or dark; and lips of bone in front and behind.

    Args:
        canvas: To paint on.
        disc: The worn one.
        w: The part of the canvas.
        place: Millimetres from the disc's centre to the back, left and up.
        beyond: Millimetres from the end plate into the bone.
        edge: Half the disc's height at its rim, millimetres.
        grain: Noise.
    """
    p, q, v = place
    width, depth = disc.half_width * 0.94, disc.half_depth - 1.4
    body = inside((outline(p, q, depth, width) - 1) * np.float32(depth))
    patchy = np.clip(0.75 + 0.5 * grain.at(w, 7.0), 0, 1)
    near = np.exp(-np.maximum(beyond - 0.8, 0) / np.float32(4.5)) * (beyond > 0) * body * patchy
    bright = _of_its_own(disc, 2.3) > -0.45
    strength = _CHANGED[disc.grade] * (0.75 + 0.25 * float(_of_its_own(disc, 1.7)))
    canvas.paint(w, near * np.float32(strength), 0.78 if bright else 0.26, 0.95 if bright else 0.3)
    texture = 1 + np.float32(0.08) * grain.at(w, 2.0)
    rise = np.abs(v) - np.maximum(edge - np.float32(0.5), 0.4)
    flare = np.clip(1 - rise / _FLARE, 0, 1) ** 2 * np.clip(1 - (q / disc.half_width) ** 2, 0, 1)
    front = _LIP[disc.grade] * (1 + 0.35 * float(_of_its_own(disc, 4.1)))
    for way, reach in ((-1, front), (1, 0.4 * front)):
        out = way * p - np.float32(depth + 0.2)
        sides = [-rise, rise - _FLARE, -out - 6, np.abs(q) - disc.half_width]
        lip = np.maximum.reduce([out + 3 - (reach + 3) * flare, *sides])
        canvas.fill(w, inside(lip - np.float32(0.8)) * (1 - body), CORTEX)
        canvas.paint(w, inside(lip), MARROW.t2 * texture, MARROW.t1 * texture)


def _paint_herniation(canvas: Canvas, disc: DiscBody, w: Window, p: Image, q: Image, v: Image) -> Image:
    h = disc.herniation
    assert h is not None
    edge = disc.half_depth + disc.bulge - 1.0
    base = disc.height * 0.45
    body = ellipsoid(
        (p - edge, h.reach + 1.0), (q - h.offset, h.half_width), (v - h.migration * 0.25, max(base, 2.4))
    )
    if h.migration:
        tongue = ellipsoid(
            (p - edge - h.reach * 0.45, h.reach * 0.55),
            (q - h.offset, h.half_width * 0.85),
            (v - h.migration, abs(h.migration) * 0.8 + 1.5),
        )
        body = np.minimum(body, tongue)
    body = np.where(p < edge - 1.5, np.float32(5), body)
    canvas.fill(w, inside(body - np.float32(0.9)), LIGAMENT)
    signal = max(NUCLEUS_T2[disc.grade] * 0.8, 0.16)
    canvas.paint(w, inside(body + np.float32(0.4)), signal, 0.3)
    return inside(body)


def _paint_zone(canvas: Canvas, disc: DiscBody, w: Window, p: Image, q: Image, v: Image) -> Image:
    zone = disc.zone
    assert zone is not None
    edge = disc.half_depth + disc.bulge
    place = edge - 2.2 if zone.side == "posterior" else -edge + 2.8
    shape = ellipsoid((p - place, 1.25), (q - zone.offset, 4.5), (v - zone.height, 1.7))
    canvas.paint(w, inside(shape - np.float32(1.0)), 0.07, 0.15)
    canvas.paint(w, inside(shape, 0.7), 0.95, 0.3)
    return inside(shape)
