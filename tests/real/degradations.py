"""How well poor quality is noticed: SPIDER's middle slices as they are, and spoiled in stated ways.

`DISCLOOP_DATA=... python -m tests.real.degradations` prints, for each way and for each half of the patients,
how many pictures of it are flagged. Thresholds were set on the first half and are reported on the second.
Simulated in this: everything but the pictures, which are 8-bit and as the data set shows them.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import map_coordinates

from data_curation.display import fluid_signal
from data_curation.midline import find_midline
from data_curation.policy import POLICY
from data_curation.quality import Measures, flags_of, measure, too_bad

DATA = Path(os.environ.get("DISCLOOP_DATA", "absent"))
Picture = NDArray[np.float64]


@dataclass(frozen=True)
class RealSlice:
    """A picture, millimetres a pixel, and its discs' boxes (left, top, right, bottom), lowest first."""

    patient: str
    pixels: Picture
    spacing: float
    discs: tuple[tuple[float, float, float, float], ...]


def read_slices() -> list[RealSlice]:
    """All T2 slices, by patient."""
    boxes: dict[str, dict[int, tuple[float, float, float, float]]] = defaultdict(dict)
    for row in _rows("disc_boxes.csv"):
        x1, y1, x2, y2 = (float(row[k]) for k in ("x1", "y1", "x2", "y2"))
        boxes[row["patient"]][int(row["disc"])] = (x1, y1, x2, y2)
    found = []
    for row in _rows("overview.csv"):
        patient, _, kind = row["new_file_name"].partition("_")
        path = DATA / "spider" / "t2" / f"{patient}.png"
        if kind == "t2" and path.exists():
            pixels = np.asarray(Image.open(path).convert("L"), dtype=np.float64) * 16
            spacing = float(row["PixelSpacing"].strip("[]").split(",")[0])
            discs = tuple(box for _, box in sorted(boxes[patient].items()))
            found.append(RealSlice(patient, pixels, spacing, discs))
    return sorted(found, key=lambda s: s.patient)


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / "spider" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def noisy(ratio: float) -> Callable[[RealSlice, np.random.Generator], Picture]:
    """Rician noise; `ratio` is the picture's 99.5th percentile over the noise's spread."""

    def spoil(own: RealSlice, rng: np.random.Generator) -> Picture:
        spread = float(np.percentile(own.pixels, 99.5)) / ratio
        real = own.pixels + spread * rng.standard_normal(own.pixels.shape)
        return np.hypot(real, spread * rng.standard_normal(own.pixels.shape))

    return spoil


def ghosted(strength: float, axis: int) -> Callable[[RealSlice, np.random.Generator], Picture]:
    """The picture twice more, shifted by a fifth to nearly a half of it both ways: breathing, pulsation."""

    def spoil(own: RealSlice, rng: np.random.Generator) -> Picture:
        shift = int(own.pixels.shape[axis] * rng.uniform(0.2, 0.45))
        both = np.roll(own.pixels, shift, axis) + np.roll(own.pixels, -shift, axis)
        return own.pixels + strength * both

    return spoil


def moved(millimetres: float) -> Callable[[RealSlice, np.random.Generator], Picture]:
    """A third of 20 interleaved echo trains acquired after the patient slid down and a little to the back."""

    def spoil(own: RealSlice, rng: np.random.Generator) -> Picture:
        rows, columns = own.pixels.shape
        by = millimetres / own.spacing
        turn = np.fft.fftfreq(rows)[:, None] * by + np.fft.fftfreq(columns)[None, :] * by / 2
        lines = np.fft.fft2(own.pixels)
        late = np.isin(np.arange(rows) % 20, rng.permutation(20)[:7])
        lines = np.where(late[:, None], lines * np.exp(-2j * np.pi * turn), lines)
        return np.abs(np.fft.ifft2(lines))

    return spoil


def with_metal(own: RealSlice, rng: np.random.Generator) -> Picture:
    """Two screws' voids of 9 to 14 mm radius at neighbouring discs, the tissue piled up at their rims."""
    picture = own.pixels
    first = int(rng.integers(0, min(2, len(own.discs) - 1)))
    for x1, y1, x2, y2 in own.discs[first : first + 2]:
        x, y = x1 + (x2 - x1) * rng.uniform(0.5, 0.9), (y1 + y2) / 2 + rng.uniform(-8, 8) / own.spacing
        radius = rng.uniform(9, 14) / own.spacing
        r, c = np.indices(picture.shape, dtype=np.float64)
        away = np.hypot(r - y, c - x) / radius
        pull = np.where(away > 1, 1 - 0.35 * np.exp(-(((away - 1) / 0.25) ** 2)), 1.0)
        bent = map_coordinates(picture, [y + (r - y) * pull, x + (c - x) * pull], order=1, mode="nearest")
        rim = 1 + 0.9 * np.exp(-(((away - 1.08) / 0.08) ** 2))
        picture = np.where(away < 1, bent * 0.01, bent * rim)
    return picture


def with_discs(count: int) -> Callable[[RealSlice, np.random.Generator], Picture]:
    """Cut off above the lowest `count` discs."""

    def spoil(own: RealSlice, rng: np.random.Generator) -> Picture:
        lowest = sorted(own.discs, key=lambda d: -d[1])[:count]
        return own.pixels[max(int(lowest[-1][1] - 6 / own.spacing), 0) :]

    return spoil


def without_front(own: RealSlice, rng: np.random.Generator) -> Picture:
    """Cut off in front, through the middle of the foremost disc."""
    x1, _, x2, _ = min(own.discs, key=lambda d: d[0] + d[2])
    return own.pixels[:, int((x1 + x2) / 2) :]


Spoil = Callable[[RealSlice, np.random.Generator], Picture]
WAYS: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "as it is": (lambda own, rng: own.pixels, ()),
    "noise, ratio 12": (noisy(12), ("signal_to_noise",)),
    "noise, ratio 6": (noisy(6), ("signal_to_noise",)),
    "noise, ratio 2.5": (noisy(2.5), ("rejected",)),
    "ghosts of 6 % along the body": (ghosted(0.06, 0), ("ghosting",)),
    "ghosts of 12 % along the body": (ghosted(0.12, 0), ("ghosting",)),
    "ghosts of 12 % front to back": (ghosted(0.12, 1), ("ghosting",)),
    "moved by 2 mm": (moved(2), ("ghosting",)),
    "moved by 4 mm": (moved(4), ("ghosting",)),
    "metal at two discs": (with_metal, ("void_share",)),
    "three discs": (with_discs(3), ("discs_seen",)),
    "four discs": (with_discs(4), ("discs_seen",)),
    "cut off in front": (without_front, ("cut_off",)),
}
"""Ways to spoil a picture, and the flag that should notice it."""
NEED_DISCS = [WAYS[way][0] for way in ("metal at two discs", "three discs", "four discs", "cut off in front")]


def measured(own: RealSlice, way: str) -> Measures | None:
    """Quality of a spoiled picture; None where no fluid is found."""
    rng = np.random.default_rng([int(own.patient), list(WAYS).index(way)])
    image = np.clip(WAYS[way][0](own, rng), 0, 65535).astype(np.uint16)
    canal = find_midline([image], own.spacing, 4.0).canal
    fluid = fluid_signal(image, canal, own.spacing) if canal is not None else None
    return measure(image, canal, fluid, own.spacing) if canal is not None and fluid is not None else None


def told_of(measures: Measures | None) -> set[str]:
    """Names of the flags, `rejected`, or `no fluid`."""
    if measures is None:
        return {"no fluid"}
    rejected = {"rejected"} if too_bad(measures, POLICY.quality) else set()
    return {*flags_of(measures, POLICY.quality), *rejected}


def main() -> None:
    """Print a JSON line a picture to standard error, and the table to standard output."""
    table: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for number, own in enumerate(read_slices()):
        for way, (spoil, _) in WAYS.items():
            if spoil in NEED_DISCS and len(own.discs) < 5:
                continue
            measures = measured(own, way)
            half = "set on" if number % 2 == 0 else "reported"
            table[way][half].append(",".join(sorted(told_of(measures))))
            line = {
                "patient": own.patient,
                "way": way,
                "half": half,
                "measures": asdict(measures) if measures else None,
            }
            sys.stderr.write(json.dumps(line) + "\n")
    for way, halves in table.items():
        for half, told in halves.items():
            wanted = WAYS[way][1]
            noticed = sum(any(w in one.split(",") for w in wanted) for one in told)
            flagged = {one: told.count(one) for one in sorted(set(told))}
            sys.stdout.write(json.dumps({"way": way, "half": half, "pictures": len(told),
                                         "noticed": noticed, "told": flagged}) + "\n")  # fmt: skip


if __name__ == "__main__":
    main()
