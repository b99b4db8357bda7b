"""One invented lumbar spine: where its bones, discs and canal are, and what is wrong with them.

Millimetres in DICOM patient coordinates (LPS: x to the patient's left, y to the back, z to the head). The
middle of L3 is the origin. Sizes follow usual adult morphometry; grades follow Pfirrmann et al. 2001.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from domain.taxonomy import HerniationType, HizSide, Level

Vector = NDArray[np.float64]

_VERTEBRAE = ("S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11", "T10")
_NAMES = (Level.L5_S1, Level.L4_5, Level.L3_4, Level.L2_3, Level.L1_2, Level.T12_L1, Level.T11_12)
_LUMBARISED = (Level.S1_2, Level.L5_S1, *_NAMES[1:6])
_TILT = np.array([38.0, 17.0, 5.0, -4.0, -11.0, -15.0, -15.0, -12.0, -9.0])
_HEIGHT = np.array([27.0, 27.0, 27.5, 27.5, 27.0, 26.0, 25.0, 23.5, 22.5])
_DEPTH = np.array([33.0, 35.0, 35.0, 34.5, 34.0, 33.0, 32.0, 31.0, 30.0])
_DISC = np.array([10.5, 11.0, 10.5, 9.5, 8.5, 7.5, 6.5, 6.0])
_HEIGHT_LEFT = {1: (0.98, 1.08), 2: (0.95, 1.05), 3: (0.8, 0.95), 4: (0.54, 0.74), 5: (0.16, 0.34)}
_AT_25 = np.array([0.42, 0.45, 0.11, 0.02, 0.0])
_AT_80 = np.array([0.01, 0.07, 0.33, 0.36, 0.23])


@dataclass(frozen=True)
class Frame:
    """A place with directions: `back`, `left` and `up` are unit vectors, `centre` in millimetres."""

    centre: Vector
    back: Vector
    left: Vector
    up: Vector


@dataclass(frozen=True)
class Vertebra:
    name: str
    frame: Frame
    height: float
    half_depth: float
    half_width: float
    modic: float
    """Brightening of the marrow beside a worn disc, 0 for none."""


@dataclass(frozen=True)
class Herniation:
    type: HerniationType
    offset: float
    """Millimetres to the patient's left of the midline."""
    reach: float
    """Millimetres beyond the disc's posterior edge."""
    half_width: float
    migration: float
    """Millimetres up (or down) of displaced material."""


@dataclass(frozen=True)
class Zone:
    """A high-intensity zone in the annulus."""

    side: HizSide
    offset: float
    height: float


@dataclass(frozen=True)
class DiscBody:
    index: int
    level: Level
    grade: int
    frame: Frame
    height: float
    wedge: float
    """Radians between the end plates, open to the front."""
    half_depth: float
    half_width: float
    bulge: float
    herniation: Herniation | None = None
    zone: Zone | None = None


@dataclass(frozen=True)
class Spine:
    """Everything a slice is painted from."""

    vertebrae: tuple[Vertebra, ...]
    """The sacrum's top first, going up."""
    sacrum: tuple[Vertebra, ...]
    """S2 and below."""
    discs: tuple[DiscBody, ...]
    """Index 1, the lowest, first."""
    above: DiscBody
    """T10/11, painted where it is seen; no part of the truth."""
    remnants: tuple[Frame, ...]
    """Rudimentary discs within the sacrum."""
    canal: NDArray[np.float64]
    """Rows (z, x, y, half depth, half width, y of the back's surface less `skin`), z increasing."""
    skin: float
    """Millimetres from the canal to the skin of the back."""
    fat: float
    """Thickness of the fat under it."""
    conus: float
    """z where the cord ends."""
    transitional: bool
    age: int
    sex: str
    listhesis: float = 0.0
    scoliosis: float = 0.0
    streaks: float = 0.3
    """Fat within the muscles, growing with age."""
    saturated: bool = field(default=False)
    """Whether a saturation band darkens what lies before the spine."""


def invent_spine(rng: np.random.Generator, mix: tuple[float, ...] | None = None) -> Spine:
    """Draw one spine.

    Args:
        rng: Source of all chance.
        mix: Share of grades 1 to 5; `None` draws by age and level.
    """
    age = int(np.clip(rng.normal(52, 17), 19, 88))
    sex = "F" if rng.random() < 0.55 else "M"
    size = rng.normal(1.0 if sex == "M" else 0.93, 0.03)
    transitional = bool(rng.random() < 0.1)
    listhesis = float(rng.uniform(4, 8)) if rng.random() < 0.1 else 0.0
    scoliosis = (
        float(rng.uniform(7, 14) * rng.choice([-1, 1])) if rng.random() < 0.15 else float(rng.normal(0, 1.2))
    )
    grades = _grades(rng, age, mix)
    vertebrae, discs = _stack(
        rng, grades, size, listhesis, scoliosis, _LUMBARISED if transitional else _NAMES
    )
    sacrum, remnants = _sacrum(vertebrae[0], size, rng)
    canal = _canal([*sacrum[::-1], *vertebrae], size, rng)
    conus = float(vertebrae[5].frame.centre[2] + rng.uniform(-16, 8))
    return Spine(
        vertebrae=tuple(vertebrae),
        sacrum=tuple(sacrum),
        discs=tuple(discs[:7]),
        above=discs[7],
        remnants=tuple(remnants),
        canal=canal,
        skin=float(rng.uniform(60, 82)),
        fat=float(rng.uniform(14, 30)),
        conus=conus,
        transitional=transitional,
        age=age,
        sex=sex,
        listhesis=listhesis,
        scoliosis=scoliosis,
        streaks=float(np.clip((age - 20) / 70, 0.1, 0.9)),
        saturated=bool(rng.random() < 0.6),
    )


def _grades(rng: np.random.Generator, age: int, mix: tuple[float, ...] | None) -> list[int]:
    if mix is not None:
        share = np.asarray(mix, dtype=float)
        return [int(g) for g in rng.choice(5, size=7, p=share / share.sum()) + 1]
    worn = np.clip((age - 25) / 55, 0, 1)
    grades = []
    for index in range(7):
        lower = 0.2 if index < 2 else -0.08 * (index - 2)
        t = float(np.clip(worn + lower + rng.normal(0, 0.08), 0, 1))
        share = (1 - t) * _AT_25 + t * _AT_80
        grades.append(int(rng.choice(5, p=share / share.sum())) + 1)
    return grades


def _axes(tilt: float, lean: float) -> tuple[Vector, Vector, Vector]:
    """Directions of a level: `tilt` forwards (degrees), `lean` to the left (radians)."""
    a = np.deg2rad(tilt)
    up = np.array([np.sin(lean), -np.sin(a) * np.cos(lean), np.cos(a) * np.cos(lean)])
    back = np.array([0.0, np.cos(a), np.sin(a)])
    return back, np.cross(back, up), up


def _stack(
    rng: np.random.Generator,
    grades: list[int],
    size: float,
    listhesis: float,
    scoliosis: float,
    names: tuple[Level, ...],
) -> tuple[list[Vertebra], list[DiscBody]]:
    """Build up from the sacrum: body, disc, body, with the tilts of a lordosis."""
    tilts = _TILT * rng.uniform(0.75, 1.2) + rng.normal(0, 1.5, len(_TILT))
    lean = np.deg2rad(scoliosis) * np.sin(np.linspace(0, np.pi * 1.5, len(_TILT)))
    point = np.array([0.0, 32.0, -86.0])
    vertebrae, discs = [], []
    for i, name in enumerate(_VERTEBRAE):
        back, left, up = _axes(tilts[i], lean[i])
        height, depth = _HEIGHT[i] * size * rng.uniform(0.97, 1.03), _DEPTH[i] * size / 2
        slip = -listhesis * back if listhesis and i == 2 else 0.0
        centre = point + up * height / 2 + slip if i else point - up * height / 2
        worst = max(grades[max(i - 1, 0) : i + 1], default=1)
        modic = float(rng.uniform(0.1, 0.25)) if worst >= 4 and rng.random() < 0.35 else 0.0
        vertebrae.append(Vertebra(name, Frame(centre, back, left, up), height, depth, depth * 1.38, modic))
        point = centre + up * height / 2
        if i == len(_VERTEBRAE) - 1:
            break
        grade = grades[i] if i < 7 else 2
        mean_back, mean_left, mean_up = _axes((tilts[i] + tilts[i + 1]) / 2, (lean[i] + lean[i + 1]) / 2)
        thick = _DISC[i] * size * rng.uniform(*_HEIGHT_LEFT[grade])
        wedge = np.deg2rad(tilts[i] - tilts[i + 1])
        middle = point + mean_up * thick / 2
        frame = Frame(middle, mean_back, mean_left, mean_up)
        name_of = names[i] if i < 7 else names[-1]
        discs.append(_disc(rng, i + 1, name_of, grade, frame, thick, wedge, depth))
        point = point + mean_up * thick
    return vertebrae, discs


def _disc(
    rng: np.random.Generator,
    index: int,
    level: Level,
    grade: int,
    frame: Frame,
    height: float,
    wedge: float,
    half_depth: float,
) -> DiscBody:
    bulge = float({1: 0.0, 2: 0.3, 3: 0.9, 4: 1.7, 5: 1.9}[grade] * rng.uniform(0.6, 1.4))
    chance = {1: 0.0, 2: 0.03, 3: 0.16, 4: 0.3, 5: 0.2}[grade] * (1.3 if index <= 2 else 0.4)
    herniation = _herniation(rng) if rng.random() < chance else None
    zone = None
    if grade in (2, 3, 4) and rng.random() < 0.16:
        side = HizSide.POSTERIOR if rng.random() < 0.75 else HizSide.ANTERIOR
        zone = Zone(side, float(rng.uniform(-3, 3)), float(rng.uniform(-0.12, 0.12) * height))
    return DiscBody(
        index, level, grade, frame, height, wedge, half_depth + 0.8, half_depth * 1.42, bulge,
        herniation, zone,
    )  # fmt: skip


def _herniation(rng: np.random.Generator) -> Herniation:
    kind = rng.choice([HerniationType.PROTRUSION, HerniationType.EXTRUSION], p=[0.65, 0.35])
    offset = float(rng.choice([0.0, 1.0, -1.0], p=[0.35, 0.33, 0.32]) * rng.uniform(3.5, 7))
    if kind == HerniationType.PROTRUSION:
        return Herniation(
            HerniationType.PROTRUSION, offset, float(rng.uniform(3.2, 5)), float(rng.uniform(6, 8)), 0.0
        )
    drop = float(rng.choice([-1.0, -1.0, 1.0]) * rng.uniform(3, 6))
    return Herniation(
        HerniationType.EXTRUSION, offset, float(rng.uniform(5.5, 8)), float(rng.uniform(4.5, 6.5)), drop
    )


def _sacrum(top: Vertebra, size: float, rng: np.random.Generator) -> tuple[list[Vertebra], list[Frame]]:
    tilt = float(np.rad2deg(np.arctan2(-top.frame.up[1], top.frame.up[2])))
    point = top.frame.centre - top.frame.up * top.height / 2
    parts, remnants = [], []
    shapes = ((25.0, 25.0, 5.0), (22.0, 19.0, 0.0), (20.0, 15.0, -9.0), (18.0, 11.0, -16.0))
    for k, (height, depth, turn) in enumerate(shapes):
        tilt += turn
        back, left, up = _axes(tilt, 0.0)
        remnants.append(Frame(point - up * 0.8 + back * (1.0 + k), back, left, up))
        point = point - up * 1.6 + back * (1.8 + k)
        centre = point - up * height * size / 2
        parts.append(
            Vertebra(f"S{k + 2}", Frame(centre, back, left, up), height * size, depth * size / 2, 16.0, 0.0)
        )
        point = centre - up * height * size / 2
    return parts, remnants


def _canal(column: list[Vertebra], size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The thecal sac behind the bodies, from the sacrum up, resampled smoothly along z."""
    half = np.interp(
        np.arange(len(column)), [0, 1, 3, 4, 6, 9, len(column) - 1], [0.8, 1.2, 5, 6.6, 6.8, 7.2, 7.4]
    )
    half = half * rng.uniform(0.92, 1.1)
    rows = []
    for vertebra, radius in zip(column, half, strict=True):
        gap = 1.5 + (2.5 if vertebra.name in ("S1", "S2", "S3") else 0.0)
        centre = vertebra.frame.centre + vertebra.frame.back * (vertebra.half_depth + gap + radius)
        rows.append((centre[2], centre[0], centre[1], radius * size, radius * size * 1.25))
    points = np.array(sorted(rows))
    z = np.arange(points[0, 0] - 60, points[-1, 0] + 40, 2.0)
    smooth = [_spline(points[:, 0], points[:, k], z) for k in range(1, 5)]
    promontory = column[-len(_VERTEBRAE)].frame.centre[2] + 12
    knee = float(np.interp(promontory, z, smooth[1]))
    # The skin does not follow the sacrum: below it bends to the buttocks and no further.
    surface = np.where(z < promontory, knee + 16 * (1 - np.exp((z - promontory) / 40)), smooth[1])
    return np.column_stack([z, *smooth, gaussian_filter1d(surface, 8, mode="nearest")])


def _spline(knots: Vector, values: Vector, at: Vector) -> Vector:
    inside = np.clip(at, knots[0], knots[-1])
    slope = (values[-1] - values[-2]) / (knots[-1] - knots[-2])
    result: Vector = PchipInterpolator(knots, values)(inside) + (at - inside) * slope * (at > knots[-1])
    return result
