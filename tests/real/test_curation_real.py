"""Curation on real lumbar MR: SPIDER's slices and grades, its header values, and public volumes as DICOM.

Simulated in this: DICOM headers round real pixels; one slice of SPIDER stands for a stack.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from data_curation.burnin import find_text
from data_curation.curation import curate
from data_curation.headers import Acquisition
from data_curation.identity import PseudonymKey
from data_curation.importers import spider
from data_curation.importers.pictures import read_picture
from data_curation.importers.table import Table
from data_curation.importing import import_studies
from data_curation.labels import read_labels
from data_curation.policy import POLICY
from data_curation.scanners import maker_of, model_of
from data_curation.selection import Contrast, contrast_of
from data_curation.store import read_studies
from data_curation.synthesis import write_series
from domain.taxonomy import Plane

DATA = Path(os.environ.get("DISCLOOP_DATA", "absent"))
KEY = PseudonymKey(bytes(range(32)))
GAP = 4
VOLUMES = ("ivd_11", "ivd_20", "ivd_25", "vb1_11", "vb2_05", "vb2_06")
"""The T2 volumes whose masks are about symmetric."""
HEADER = {
    "Manufacturer": "SIEMENS",
    "RepetitionTime": "3500",
    "EchoTime": "114",
    "ScanningSequence": "SE",
    "PatientAge": "050Y",
}


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / "spider" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_spider_comes_in_with_all_its_grades(tmp_path: Path) -> None:
    store = tmp_path / "store"
    studies = spider.read(DATA / "spider", Table())
    summary = import_studies("spider", studies, store, key=KEY, policy=POLICY, site="spider")
    present = {p.stem for p in (DATA / "spider" / "t2").glob("*.png")}
    rows = [row for row in _rows("gradings.csv") if row["Patient"] in present and row["Pfirrman grade"]]
    assert summary.studies == len(present) == 172
    assert summary.boxes == len(_rows("disc_boxes.csv")) == 526
    graded = {
        (labelled.study, index): grade
        for labelled in read_labels(store / "labels.jsonl")
        for index, grade in _grades(labelled.units[0].findings.discs, labelled.unlocated)
    }
    expected = {
        (KEY.study(f"spider/spider-{row['Patient']}"), int(row["IVD label"])): int(row["Pfirrman grade"])
        for row in rows
    }
    assert graded == expected
    assert summary.graded == len(expected)
    assert {s.scanner["manufacturer"] for study in read_studies(store) for s in study.series} == {
        "Siemens",
        "Philips",
    }


def _grades(discs: tuple, unlocated: tuple) -> list[tuple[int, int]]:  # type: ignore[type-arg]
    column = ["L5/S1", "L4/5", "L3/4", "L2/3", "L1/2", "T12/L1", "T11/12"]
    named = [(d, column.index(d.level) + 1 if d.level in column else None) for d in discs]
    lowest = {id(d): k for k, (d, _) in enumerate(named)}
    located = [
        (index if index is not None else lowest[id(d)] + 1, d.pfirrmann) for d, index in named if d.pfirrmann
    ]
    return located + [(u.index, u.pfirrmann) for u in unlocated if u.pfirrmann]


def test_every_real_header_is_weighted_right() -> None:
    for row in _rows("overview.csv"):
        acquired = Acquisition(
            repetition=float(row["RepetitionTime"]), echo=float(row["EchoTime"]), inversion=None,
            names=row["ScanningSequence"].strip("[]").replace("'", "").replace(", ", " "), image_type=(),
            contrast_agent=False, description="", dimensions=row["MRAcquisitionType"], field=None,
            thickness=None, manufacturer=row["Manufacturer"], model=row["ManufacturerModelName"], flip=None,
            echo_train=None,
        )  # fmt: skip
        expected = Contrast.T1 if row["new_file_name"].endswith("_t1") else Contrast.T2
        assert contrast_of(acquired, POLICY.weighting) is expected, row["new_file_name"]
        assert maker_of(acquired.manufacturer) in ("Siemens", "Philips")
        assert model_of(acquired.model) is not None


def test_no_text_is_seen_in_real_slices() -> None:
    """A false alarm masks tissue: real slices have none."""
    pictures = (
        sorted((DATA / "spider" / "t2").glob("*.png"))[::4]
        + sorted((DATA / "axial_and_other").glob("*.png"))[::4]
    )
    found = [p.name for p in pictures if find_text(read_picture(p).astype(np.uint16) * 16)]
    assert found == []


@pytest.mark.parametrize("name", VOLUMES)
def test_volumes_as_dicom_open_on_their_middle(name: str, tmp_path: Path) -> None:
    with np.load(DATA / "volumes" / f"{name}.npz") as volume:
        image, mask = volume["image"], volume["mask"]
    numbers = np.arange(0, image.shape[2], GAP)
    # The volume lies off the scanner's middle, and its slices are written in no order.
    arrays = [image[:, :, k].astype(np.uint16) * 8 for k in numbers]
    height, width = arrays[0].shape
    positions = [(float(k) - 77.0, -width / 2 + 0.5, height / 2 - 0.5) for k in numbers]
    shuffled = np.random.default_rng(1).permutation(len(arrays))
    write_series(
        [arrays[k] for k in shuffled], tmp_path / "dicom", plane=Plane.SAGITTAL, spacing=1.0,
        slice_spacing=GAP, header=HEADER, patient_name="Invented^Volume", patient_id=name, seed=name,
        positions=[positions[k] for k in shuffled],
    )  # fmt: skip
    curate(tmp_path / "dicom", tmp_path / "store", key=KEY, policy=POLICY)
    (study,) = read_studies(tmp_path / "store")
    series = study.series[0]
    assert len(series.slices) == len(arrays)
    assert [s.position for s in series.slices] == pytest.approx([p[0] for p in positions])
    assert abs(numbers[series.midline] - _centre(mask > 0)) <= GAP
    for label in np.unique(mask[mask > 0]):
        own = mask == label
        row = float(np.flatnonzero(own.any(axis=(1, 2))).mean())
        band = next(b for b in series.midline_bands if b.top <= row < b.bottom)
        assert abs(numbers[band.slice] - _centre(own)) <= 2 * GAP, f"disc or body {label}"


def _centre(mask: NDArray[np.bool_]) -> float:
    sizes = mask.sum(axis=(0, 1))
    return float((np.arange(len(sizes)) * sizes).sum() / sizes.sum())
