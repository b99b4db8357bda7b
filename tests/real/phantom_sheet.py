"""Phantoms' discs beside real ones of the same grade, and what the bundled model makes of the phantoms.

`DISCLOOP_DATA=... python -m tests.real.phantom_sheet OUT STUDIES SEED` writes `OUT/sheet.png` (for each grade
a row of SPIDER's discs, then one of phantoms'; for the eye, not to be committed) and prints a JSON object:
discs there, found and invented on the curated midline slices, and for each true grade how many were called
what. That the model reads the phantoms says how far they resemble real discs, nothing of its accuracy.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.optimize import linear_sum_assignment

from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.phantom.generation import make_phantoms
from data_curation.phantom.truth import findings_by_study
from data_curation.policy import POLICY
from domain.boxes import Box, intersection_over_union
from domain.manifest import Study
from domain.taxonomy import Plane
from ml_backend.model import load_model
from ml_backend.proposer import propose_slices
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import GreyImage
from ml_backend.spider import load_graded, read_grey
from ml_backend.weights import BUNDLED

DATA = Path(os.environ.get("DISCLOOP_DATA", "absent"))
KEY = PseudonymKey(bytes(range(32)))
COLUMNS, TILE = 10, (150, 120)
LUMBAR = 5
FOUND = 0.3
Discs = list[tuple[int, Box]]
"""Grade and box of each, lowest first."""


def real() -> Iterator[tuple[GreyImage, Discs]]:
    """SPIDER's middle slices with their boxes."""
    for item in load_graded(DATA):
        if item.boxes is not None:
            boxes = [Box(x1=b[0], y1=b[1], x2=b[2], y2=b[3]) for b in item.boxes.tolist()]
            grades = [int(row.argmax()) + 1 for row in item.grades]
            yield item.image, list(zip(grades, boxes, strict=True))


def phantoms(folder: Path, studies: int, seed: int) -> Iterator[tuple[GreyImage, Discs]]:
    """Curated midline slices of phantoms with their true boxes."""
    truth = make_phantoms(folder / "dicom", studies=studies, seed=seed)
    curate(folder / "dicom", folder / "store", key=KEY, policy=POLICY)
    true = findings_by_study(truth, KEY)
    for line in (folder / "store" / "manifest.jsonl").read_text("utf-8").splitlines():
        study = Study.model_validate_json(line)
        series = next(s for s in study.series if s.plane is Plane.SAGITTAL)
        discs = [
            (disc.pfirrmann or 0, at.box)
            for disc in true[study.study][Plane.SAGITTAL].discs
            for at in disc.boxes
            if at.slice == series.midline
        ]
        yield read_grey(folder / "store" / series.slices[series.midline].path), discs


def tiles(pictures: list[tuple[GreyImage, Discs]]) -> dict[int, list[Image.Image]]:
    """Cuttings around lumbar discs, by grade."""
    found = defaultdict(list)
    for image, discs in pictures:
        for grade, box in discs[:LUMBAR]:
            (x, y), width = box.center, (box.x2 - box.x1) * 1.55
            height = width * TILE[1] / TILE[0]
            around = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            cut = Image.fromarray(image).transform(TILE, Image.Transform.EXTENT, around)
            found[grade].append(cut)
    return found


def draw_sheet(rows: list[dict[int, list[Image.Image]]]) -> Image.Image:
    """Ten discs of each grade in a row, drawn at random but always the same."""
    sheet = Image.new("L", (COLUMNS * TILE[0], 5 * len(rows) * TILE[1]), 255)
    for grade in range(1, 6):
        for row, by_grade in enumerate(rows):
            drawn = np.random.default_rng(grade).permutation(len(by_grade[grade]))[:COLUMNS]
            for column, number in enumerate(drawn):
                at = (column * TILE[0], ((grade - 1) * len(rows) + row) * TILE[1])
                sheet.paste(by_grade[grade][number], at)
    return sheet


def read_by_model(pictures: list[tuple[GreyImage, Discs]]) -> dict[str, object]:
    """What the bundled model finds and how it grades it."""
    model = load_model(BUNDLED, runtime=RuntimeName.ONNX, threads=1)
    called = np.zeros((5, 6), int)
    there = proposed = 0
    for image, discs in pictures:
        (proposal,) = propose_slices(model, [image])
        overlap = np.array(
            [[intersection_over_union(box, disc.box) for disc in proposal.discs] for _, box in discs]
        )
        there, proposed = there + len(discs), proposed + len(proposal.discs)
        for true, said in zip(*linear_sum_assignment(-overlap), strict=True) if overlap.size else ():
            if overlap[true, said] >= FOUND:
                called[discs[true][0] - 1, (proposal.discs[said].pfirrmann or 6) - 1] += 1
    return {
        "discs": there,
        "found": int(called.sum()),
        "invented": proposed - int(called.sum()),
        "called 1 to 5, or not graded": {grade: called[grade - 1].tolist() for grade in range(1, 6)},
    }


def main(out: Path, studies: int, seed: int) -> None:
    """Write the sheet, print the table."""
    made = list(phantoms(out, studies, seed))
    draw_sheet([tiles(list(real())), tiles(made)]).save(out / "sheet.png")
    sys.stdout.write(json.dumps({"studies": studies, "seed": seed} | read_by_model(made)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
