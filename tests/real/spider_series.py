"""DICOM studies made from SPIDER's middle slices, with the header values of its `overview.csv`.

Simulated in this: one real slice stands for the whole stack, darker towards its sides; names are invented.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from data_curation.synthesis import header_from_overview, write_series
from domain.taxonomy import Plane

DATA = Path(os.environ.get("DISCLOOP_DATA", "absent"))
SIDES = (0.8, 0.9, 1.0, 0.9, 0.8)


def write_studies(folder: Path, patients: list[str]) -> None:
    """One study a patient: a sagittal T2 of five slices."""
    with (DATA / "spider" / "overview.csv").open(encoding="utf-8", newline="") as rows:
        overview = {row["new_file_name"]: row for row in csv.DictReader(rows)}
    for number, patient in enumerate(patients, start=1):
        row = overview[f"{patient}_t2"]
        pixels = np.asarray(
            Image.open(DATA / "spider" / "t2" / f"{patient}.png").convert("L"), dtype=np.float64
        )
        spacing = [float(part) for part in row["PixelSpacing"].strip("[]").split(",")]
        header = {
            name: _short(value)
            for name, value in header_from_overview(row).items()
            if name != "SamplesPerPixel"
        }
        write_series(
            [np.round(pixels * 4 * side).astype(np.uint16) for side in SIDES],
            folder / f"study-{number}",
            plane=Plane.SAGITTAL,
            spacing=(spacing[0], spacing[1]),
            slice_spacing=4.0,
            header=header,
            patient_name=f"Invented^Person {number}",
            patient_id=f"INVENTED-{number:04d}",
            seed=f"real-{patient}",
        )


def _short(value: Any) -> Any:
    """A decimal string as DICOM holds it: at most 16 characters (PS3.5 6.2)."""
    try:
        return value if len(value) <= 16 else f"{float(value):.8g}"
    except (TypeError, ValueError):
        return value
