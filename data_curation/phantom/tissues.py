"""Painting a spine on a slice: from the skin inwards, what lies in front painted over what lies behind."""

from __future__ import annotations

import numpy as np

from data_curation.phantom.anatomy import Spine, Vertebra
from data_curation.phantom.canvas import Canvas, Grain, Image, Tissue, Window, block, ellipsoid, inside
from data_curation.phantom.discs import CORTEX, LIGAMENT, MARROW, DiscMask, outline, paint_disc

FAT = Tissue(0.82, 1.0)
MUSCLE = Tissue(0.17, 0.33)
CSF = Tissue(1.0, 0.17)
CORD = Tissue(0.47, 0.42)
VESSEL = Tissue(0.04, 0.06)
SKIN = Tissue(0.35, 0.4)
BOWEL = Tissue(0.36, 0.4)
_ROOTS = [(-0.55, 0.2), (-0.3, 0.5), (-0.05, 0.62), (0.22, 0.55), (0.5, 0.25), (-0.42, -0.1), (0.42, -0.05),
          (-0.15, 0.3), (0.12, 0.25), (-0.68, -0.2), (0.66, -0.18), (0.33, 0.4), (-0.36, 0.32)]  # fmt: skip


def paint_slice(canvas: Canvas, spine: Spine, grain: Grain) -> list[DiscMask]:
    """Paint all tissues of a spine on a canvas.

    Returns:
        The discs that the slice passes through.
    """
    whole = canvas.whole()
    _, _, back, left = _canal_at(spine, whole)
    _paint_body(canvas, whole, spine, grain, back, left)
    _paint_muscle(canvas, whole, spine, grain, back, left)
    near = canvas.where(whole, (np.abs(back) < 14) & (np.abs(left) < 16))
    _paint_vessels(canvas, whole, spine)
    for vertebra in (*spine.sacrum[:2], *spine.vertebrae):
        _paint_posterior(canvas, vertebra, grain)
    if near is not None:
        _paint_canal(canvas, near, spine, grain)
    for vertebra in (*spine.sacrum, *spine.vertebrae):
        _paint_vertebra(canvas, vertebra, grain)
    for frame in spine.remnants:
        window = canvas.around(frame.centre, 20)
        if window is not None:
            p, q, v = window.local(frame.centre, frame.back, frame.left, frame.up)
            canvas.fill(window, inside(ellipsoid((p, 8.0), (q, 14.0), (v, 2.2))), LIGAMENT)
            canvas.paint(window, inside(ellipsoid((p, 5.0), (q, 10.0), (v, 1.0))), 0.3, 0.3)
    paint_disc(canvas, spine.above, grain)
    return [mask for disc in spine.discs if (mask := paint_disc(canvas, disc, grain)) is not None]


def _canal_at(spine: Spine, window: Window) -> tuple[Image, Image, Image, Image]:
    """The canal's half depth and width, and each point's offset from its middle (back, left)."""
    table = spine.canal.astype(np.float32)
    x, y, half_depth, half_width = (
        np.interp(window.z, table[:, 0], table[:, k]).astype(np.float32) for k in range(1, 5)
    )
    return half_depth, half_width, window.y - y, window.x - x


def _paint_body(canvas: Canvas, w: Window, spine: Spine, grain: Grain, back: Image, left: Image) -> None:
    surface = np.interp(w.z, spine.canal[:, 0], spine.canal[:, 5]).astype(np.float32)
    skin = w.y - surface - np.float32(spine.skin) + left**2 / np.float32(650)
    front = (
        -(w.y + np.float32(125)) + left**2 / np.float32(420) + np.float32(14) * np.cos(w.z / np.float32(80))
    )
    outside = np.maximum(np.maximum(skin, front), np.abs(left) - np.float32(178))
    coarse = grain.at(w, 9.0)
    fat = FAT.t2 * (1 + np.float32(0.06) * coarse)
    septa = np.abs(grain.at(w, 2.6)) < np.float32(0.05)
    fat = np.where(septa, fat * np.float32(0.78), fat)
    body = inside(outside, 1.5)
    canvas.paint(w, body, fat, FAT.t1)
    belly = inside(np.maximum(back + 62, w.y + 34) - 8 * coarse, 8.0) * body
    lumps = np.clip(coarse * 0.5 + 0.45 + 0.2 * grain.at(w, 4.0), 0, 1)
    canvas.paint(w, belly * lumps, BOWEL.t2, BOWEL.t1)
    canvas.fill(w, inside(np.abs(outside + np.float32(1.3)) - np.float32(1.1)) * (skin > front), SKIN)
    if spine.saturated:
        band = inside(np.maximum(back + 78, w.y + 46) - 5 * coarse, 14.0) * body
        for image in (canvas.t2, canvas.t1):
            if image is not None:
                image *= 1 - np.float32(0.9) * band


def _paint_muscle(canvas: Canvas, w: Window, spine: Spine, grain: Grain, back: Image, left: Image) -> None:
    streak = grain.at(w, 2.4, (1.0, 1.0, 0.35))
    fatty = np.clip((streak - np.float32(2.0 - 1.7 * spine.streaks)) * 0.8, 0, 1).astype(np.float32)
    t2 = MUSCLE.t2 + fatty * (FAT.t2 - MUSCLE.t2) * np.float32(0.75) + np.float32(0.02) * streak
    t1 = MUSCLE.t1 + fatty * (FAT.t1 - MUSCLE.t1) * np.float32(0.75)
    depth = np.float32(spine.skin - spine.fat)
    side = np.abs(left)
    erector = ellipsoid((side - 27, 30.0), (back - depth * np.float32(0.52), float(depth) * 0.46))
    multifidus = ellipsoid((side - 12, 10.5), (back - depth * np.float32(0.5), float(depth) * 0.42))
    low = np.clip((-w.z - 10) / 80, 0, 1)
    psoas = ellipsoid((side - 33 - 9 * low, 12.0), (back + 27, 15.5)) - low * 3
    quadratus = ellipsoid((side - 58, 22.0), (back - 2, 10.0))
    for shape in (psoas, quadratus, erector, multifidus):
        canvas.paint(w, inside(shape, 1.2), t2, t1)
    surface = np.interp(w.z, spine.canal[:, 0], spine.canal[:, 5]).astype(np.float32)
    fascia = np.abs(w.y - surface - depth * np.float32(0.985) + left**2 / np.float32(900))
    canvas.fill(w, inside(fascia - np.float32(0.7)) * (side < 62), LIGAMENT)


def _paint_vessels(canvas: Canvas, w: Window, spine: Spine) -> None:
    table = np.array([(v.frame.centre[2], v.frame.centre[1] - v.half_depth) for v in spine.vertebrae])
    order = np.argsort(table[:, 0])
    front = np.interp(w.z, table[order, 0], table[order, 1]).astype(np.float32)
    w = canvas.where(w, (np.abs(w.y - front + 11) < 14) & (np.abs(w.x) < 45)) or w
    front = np.interp(w.z, table[order, 0], table[order, 1]).astype(np.float32)
    fork = np.clip((-w.z - 35) / 40, 0, 1)
    for offset, spread, radius, wave in ((9.0, 14.0, 8.5, 3.0), (-15.0, -10.0, 9.0, 2.0)):
        x = w.x - (offset + spread * fork + wave * np.sin(w.z / 33))
        tube = np.sqrt(x**2 + (w.y - front + 11) ** 2) - np.float32(radius) + 2.5 * fork
        canvas.fill(w, inside(tube, 1.5), VESSEL)
    ligament = np.abs(w.y - front + 1.2) - np.float32(0.8)
    canvas.fill(w, inside(ligament) * (np.abs(w.x) < 9) * (w.z > -70), LIGAMENT)


def _paint_canal(canvas: Canvas, w: Window, spine: Spine, grain: Grain) -> None:
    """Epidural fat, dura, CSF, then the cord above and the roots below its end."""
    half_depth, half_width, back, left = _canal_at(spine, w)
    u, v = back / half_depth, left / half_width
    radius = np.sqrt(u**2 + v**2)
    around = (radius - np.float32(1)) * half_depth
    canvas.fill(w, inside(around - np.float32(2.6), 1.5), FAT)
    canvas.fill(w, inside(around - np.float32(0.7)), LIGAMENT)
    flow = 1 + np.float32(0.035) * grain.at(w, 7.0)
    canvas.paint(w, inside(around), CSF.t2 * flow, CSF.t1)
    low = (w.z - np.float32(spine.conus)) / np.float32(22)
    thick = np.clip(low, 0, 1) ** np.float32(0.5)
    cord = np.sqrt((u * half_depth - 0.5) ** 2 + (left * 0.8) ** 2) - np.float32(4.6) * thick
    canvas.fill(w, inside(cord) * (thick > 0.05), CORD)
    sink = np.clip(-low * 1.6 + 1.0, 0, 1)
    for a, b in _ROOTS:
        du = u - (b * sink + 0.12) - np.float32(0.08) * np.sin(w.z / 17 + a * 9)
        dv = v - a * np.float32(0.95)
        root = np.sqrt((du * half_depth) ** 2 + (dv * half_width) ** 2) - np.float32(0.62)
        canvas.fill(w, inside(root, 0.8) * (low < 0.9) * np.float32(0.8), CORD)


def _paint_posterior(canvas: Canvas, vertebra: Vertebra, grain: Grain) -> None:
    """Pedicles, laminae, facets and the spinous process; the sacrum's are stunted."""
    frame, depth = vertebra.frame, vertebra.half_depth
    window = canvas.around(frame.centre + frame.back * 34, 48)
    if window is None:
        return
    p, q, v = window.local(frame.centre, frame.back, frame.left, frame.up)
    p = p - np.float32(depth)
    side = np.abs(q)
    stunted = vertebra.name.startswith("S")
    reach = 6.0 if stunted else 16.0
    middle = 20.0 if stunted else 36.0
    spinous = ellipsoid(
        (p - middle, reach), (q, 4.2), (v + 9 + (p - middle) * 0.28, 8.5 if not stunted else 6.0)
    )
    lamina = ellipsoid((p - 19.5 - 0.0 * side, 4.5), (side - 8.5 + (p - 19.5) * 0.8, 7.5), (v + 6, 10.0))
    facet = ellipsoid((p - 15.5, 7.0), (side - 17.5, 6.5), (v + 11, 11.0))
    upper = ellipsoid((p - 12.5, 6.0), (side - 19.5, 5.5), (v - 13, 8.5))
    pedicle = ellipsoid((p - 5.5, 13.0), (side - 14.5, 4.6), (v - 5, 7.2))
    transverse = ellipsoid((p - 8, 5.0), (side - 31, 14.0), (v - 4, 4.5))
    flavum = ellipsoid((p - 17.5, 2.4), (side - 5, 7.0), (v + 18, 10.0))
    joint = ellipsoid((p - 14.0, 7.5), (side - 18.2, 1.2), (v + 13, 8.0))
    texture = 1 + np.float32(0.1) * grain.at(window, 2.2)
    if not stunted:
        canvas.fill(window, inside(flavum), LIGAMENT)
        between = block((p - middle, reach - 3), (q, 3.0), (v + 26, 7.0))
        strands = np.float32(0.42) + np.float32(0.2) * grain.at(window, 3.0, (1, 0.4, 1))
        canvas.paint(window, inside(between, 2.0), strands, 0.6)
    shapes = (lamina, spinous) if stunted else (transverse, upper, facet, lamina, spinous, pedicle)
    for shape in shapes:
        canvas.fill(window, inside(shape), CORTEX)
        canvas.paint(window, inside(shape + np.float32(0.9)), MARROW.t2 * 1.02 * texture, MARROW.t1 * texture)
    if not stunted:
        canvas.paint(window, inside(joint, 0.8) * np.float32(0.7), 0.6, 0.2)


def _paint_vertebra(canvas: Canvas, vertebra: Vertebra, grain: Grain) -> None:
    frame, half = vertebra.frame, vertebra.height / 2
    window = canvas.around(frame.centre, 36)
    if window is None:
        return
    p, q, v = window.local(frame.centre, frame.back, frame.left, frame.up)
    waist = 1 - 0.075 * (1 - (v / half) ** 2)
    radius = outline(p, q, vertebra.half_depth * waist, vertebra.half_width * 0.94)
    across = (radius - 1) * np.float32(vertebra.half_depth)
    dip = 2.1 * np.clip(1 - radius**2, 0, 1)
    along = np.abs(v) - (half + 0.9 - dip)
    distance = np.maximum(across, along) + np.float32(0.25) * np.maximum(0, 2 + np.minimum(across, along))
    worn = vertebra.modic * np.exp(-(half - np.abs(v)) / 3.5)
    texture = 1 + np.float32(0.08) * grain.at(window, 2.0) + np.float32(0.05) * grain.at(window, 7.0)
    canvas.fill(window, inside(distance), CORTEX)
    marrow = inside(distance + np.float32(0.95))
    canvas.paint(window, marrow, MARROW.t2 * texture + worn, MARROW.t1 * texture + worn * 0.5)
    vein = ellipsoid((p - vertebra.half_depth * 0.8, 6.0), (q, 3.0), (v, 1.3))
    canvas.paint(window, inside(vein) * marrow * np.float32(0.5), 0.75, 0.3)
