"""Pictures of all kinds for the plausibility classifier: real slices, turned ones, other planes, noise.

Axial and coronal slices: Sudirman et al., Lumbar Spine MRI Dataset, Mendeley Data, CC BY 4.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from domain.manifest import Study
from domain.taxonomy import Plane
from ml_backend.plausibility import PictureKind
from ml_backend.samples import GreyImage, LabelledSlice
from ml_backend.spider import read_grey, read_upright

# fmt: off
NOT_SAGITTAL = (
    1, 3, 4, 6, 7, 12, 13, 17, 18, 19, 20, 22, 23, 24, 25, 27, 28, 31, 33, 34, 35, 36, 37, 38, 39, 42, 43, 46,
    47, 48, 49, 50, 56, 57, 58, 61, 63, 64, 65, 66, 68, 69, 70, 72, 74, 75, 77, 80, 82, 83, 85, 87, 90, 91,
    92, 93, 95, 96, 98, 99, 100, 102, 105, 107, 108, 116, 122, 127, 128, 130, 131, 132, 133,
)
# fmt: on
"""Numbers of the files in `axial_and_other` that are axial or coronal, told apart by eye."""
NOISES = 60


class Stranger(NamedTuple):
    """A picture, what kind it is, and the patient it is of (a name of its own where there is none)."""

    image: GreyImage
    kind: PictureKind
    patient: str


def pictures_of_kinds(
    folder: Path, graded: Sequence[LabelledSlice], masked: Sequence[LabelledSlice]
) -> Iterator[Stranger]:
    """All pictures to learn from, in a fixed order.

    Args:
        folder: The public data.
        graded: Upright sagittal T2 slices.
        masked: More of them; every fourth is taken.
    """
    for item in graded:
        yield Stranger(item.image, PictureKind.SAGITTAL_T2, item.patient)
        yield from _turned(item.image, item.patient)
        name = item.patient.removeprefix("spider-")
        if (folder / f"spider/t1/{name}.png").exists():
            yield Stranger(read_upright(folder, "t1", name), PictureKind.SAGITTAL_T1, item.patient)
    for item in masked[::4]:
        yield Stranger(item.image, PictureKind.SAGITTAL_T2, item.patient)
    for number in NOT_SAGITTAL:
        path = folder / f"axial_and_other/{number:03d}.png"
        if path.exists():
            yield Stranger(read_grey(path), PictureKind.OTHER, f"other-{number}")
    yield from _noise()


def pictures_of_phantoms(store: Path) -> Iterator[Stranger]:
    """Synthetic studies as curated, upright and turned: without them the demo's own would look strange.

    Args:
        store: A store of phantoms; of each study the midline slice is taken.
    """
    manifest = (store / "manifest.jsonl").read_text(encoding="utf-8")
    for number, line in enumerate(manifest.splitlines()):
        for series in Study.model_validate_json(line).series:
            if series.plane is Plane.SAGITTAL:
                image = read_grey(store / series.slices[series.midline].path)
                yield Stranger(image, PictureKind.SAGITTAL_T2, f"phantom-{number}")
                yield from _turned(image, f"phantom-{number}")


def _turned(image: GreyImage, patient: str) -> Iterator[Stranger]:
    yield Stranger(np.ascontiguousarray(image[:, ::-1]), PictureKind.MIRRORED, patient)
    yield Stranger(np.ascontiguousarray(image[::-1]), PictureKind.UPSIDE_DOWN, patient)
    yield Stranger(np.ascontiguousarray(image[::-1, ::-1]), PictureKind.UPSIDE_DOWN, patient)
    if int(patient.split("-")[-1]) % 4 == 0:
        yield Stranger(np.ascontiguousarray(np.rot90(image)), PictureKind.OTHER, patient)


def _noise() -> Iterator[Stranger]:
    """Noise from white to blurred, gradients and ellipses: nothing of a spine."""
    generator = np.random.default_rng(0)
    for number in range(NOISES):
        size = (int(generator.integers(64, 640)), int(generator.integers(64, 640)))
        picture = generator.random(size).astype(np.float32)
        if number % 3:
            picture = np.asarray(
                cv2.GaussianBlur(picture, (0, 0), float(2 ** generator.uniform(0, 5))), np.float32
            )
        if number % 4 == 3:
            middle, axes = (size[1] // 2, size[0] // 2), (size[1] // 3, size[0] // 3)
            ellipse = np.zeros(size, np.float32)
            cv2.ellipse(ellipse, middle, axes, float(generator.uniform(0, 180)), 0, 360, 1.0, -1)
            picture = picture * ellipse
        spread = float(picture.max() - picture.min()) or 1.0
        image = np.asarray((picture - picture.min()) / spread * 255, np.uint8)
        yield Stranger(image, PictureKind.OTHER, f"noise-{number}")
