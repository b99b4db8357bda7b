"""What curation makes of phantoms is what is true of them: every slice, index, box and split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pydicom
import pytest
from highdicom.spatial import ImageToReferenceTransformer
from numpy.typing import NDArray
from PIL import Image

from data_curation.curation import curate
from data_curation.geometry import to_pixels
from data_curation.identity import PseudonymKey
from data_curation.phantom.truth import TrueDisc, TrueLesion, TrueStudy, findings_by_study
from data_curation.policy import POLICY
from data_curation.splits import Newcomer, place
from domain.findings import SliceBox
from domain.manifest import Series, Study
from domain.taxonomy import Plane
from tests.data_curation.conftest import Curated, Phantoms


def _pairs(phantoms: Phantoms, curated: Curated, key: PseudonymKey) -> list[tuple[TrueStudy, Study]]:
    return [(t, curated.studies[key.study(t.study_uid)]) for t in phantoms.truth.studies]


def test_every_study_and_only_its_t2_series(phantoms: Phantoms, curated: Curated) -> None:
    assert curated.summary.curated == len(phantoms.truth.studies) == len(curated.studies)
    assert curated.summary.studies_rejected == {}
    assert curated.summary.series_rejected == {"not T2: T1": 3, "not T2: other": 3}
    assert curated.summary.files_skipped == {"not DICOM": 1}


@pytest.mark.parametrize("plane", list(Plane))
def test_slices_are_in_place_and_order(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey, plane: Plane
) -> None:
    for true, study in _pairs(phantoms, curated, key):
        unit = next(u for u in true.units if u.plane is plane)
        series = next(s for s in study.series if s.plane is plane)
        assert len(series.slices) == len(unit.sop_uids)
        assert series.spacing == pytest.approx(unit.spacing, abs=1e-5)
        for shown, position in zip(series.slices, unit.positions, strict=True):
            assert (shown.height, shown.width) == unit.shape
            assert np.allclose(np.asarray(shown.to_patient) @ [0.5, 0.5, 0, 1], position, atol=0.01)
        assert [s.position for s in series.slices] == sorted(s.position for s in series.slices)


def _sources(phantoms: Phantoms, true: TrueStudy) -> dict[str, pydicom.Dataset]:
    """A study's files by SOPInstanceUID, as the scanner wrote them."""
    read = [pydicom.dcmread(p) for p in (phantoms.folder / true.folder).rglob("IM*")]
    return {str(d.SOPInstanceUID): d for d in read}


def test_every_slice_is_the_true_slice_of_its_place(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    for true, study in _pairs(phantoms, curated, key):
        sources = _sources(phantoms, true)
        for unit in true.units:
            series = next(s for s in study.series if s.plane is unit.plane)
            for shown, uid in zip(series.slices, unit.sop_uids, strict=True):
                source = sources[uid]
                assert shown.source is not None
                kept = np.asarray(Image.open(curated.store / shown.source))
                assert np.array_equal(kept, source.pixel_array)
                assert series.rescale == pytest.approx((float(source.get("RescaleSlope", 1)), 0.0))


def test_midlines_are_right_within_a_slice(phantoms: Phantoms, curated: Curated, key: PseudonymKey) -> None:
    for true, study in _pairs(phantoms, curated, key):
        unit, series = true.units[0], study.series[0]
        assert abs(series.midline - unit.midline) <= 1
        for disc in unit.discs:
            box = next(b.box for b in disc.boxes if b.slice == disc.midline)
            band = next(b for b in series.midline_bands if b.top <= box.center[1] < b.bottom)
            assert disc.midline is not None
            assert abs(band.slice - disc.midline) <= 1, f"disc {disc.index}"


def test_boxes_map_to_the_patient_within_a_pixel(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    """Each corner of each true box lies where highdicom says that the scanner's header puts it."""
    boxes = 0
    for true, study in _pairs(phantoms, curated, key):
        sources = _sources(phantoms, true)
        for unit in true.units:
            series = next(s for s in study.series if s.plane is unit.plane)
            findings: list[TrueDisc | TrueLesion] = [*unit.discs, *unit.herniations, *unit.hiz]
            for finding in findings:
                for at in finding.boxes:
                    header = sources[unit.sop_uids[at.slice]]
                    expected = ImageToReferenceTransformer(
                        image_position=header.ImagePositionPatient,
                        image_orientation=header.ImageOrientationPatient,
                        pixel_spacing=header.PixelSpacing,
                    )(np.array([[at.box.x1, at.box.y1], [at.box.x2, at.box.y2]]))
                    matrix = np.asarray(series.slices[at.slice].to_patient)
                    corners = np.array([[at.box.x1, at.box.y1, 0, 1], [at.box.x2, at.box.y2, 0, 1]])
                    assert np.abs(corners @ matrix.T - expected).max() < series.spacing
                    boxes += 1
    assert boxes > 100


def test_indices_count_from_the_lowest_disc_and_boxes_hold_their_discs(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    for true, study in _pairs(phantoms, curated, key):
        series, heights = study.series[0], []
        for disc in true.units[0].discs:
            assert disc.midline is not None
            box = next(b.box for b in disc.boxes if b.slice == disc.midline)
            x, y = to_pixels(series.slices[disc.midline].to_patient, np.asarray(disc.centre))
            assert box.x1 <= x <= box.x2
            # A disc's box is symmetric about its centre along the column but for its wedge and bulge.
            assert abs(y - box.center[1]) <= 4
            heights.append((disc.index, y))
        assert [index for index, _ in sorted(heights, key=lambda h: -h[1])] == list(range(1, 8))


def test_a_slice_cut_from_an_axial_stack_agrees_with_the_sagittal_one(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    """A disc's centre, found in both planes' own pixels, is the same point of the patient."""
    for true, study in _pairs(phantoms, curated, key):
        sagittal, axial = study.series
        for disc in true.units[1].discs:
            for at in disc.boxes:
                matrix = np.asarray(axial.slices[at.slice].to_patient)
                centre = matrix @ [*at.box.center, 0, 1]
                inside = [
                    _within(sagittal, b.slice, b.box.as_list(), centre) for b in _boxes(true, disc.index)
                ]
                assert any(inside), f"disc {disc.index} of {study.study}"


def _boxes(true: TrueStudy, index: int) -> list[SliceBox]:
    return [b for d in true.units[0].discs if d.index == index for b in d.boxes]


def _within(series: Series, number: int, box: list[float], point: NDArray[np.float64]) -> bool:
    x, y = to_pixels(series.slices[number].to_patient, point)
    return box[0] - 6 <= x <= box[2] + 6 and box[1] - 8 <= y <= box[3] + 8


def test_splits_follow_from_the_key_alone(phantoms: Phantoms, curated: Curated, key: PseudonymKey) -> None:
    newcomers = [Newcomer(s.patient, s.site, s.age_band, False) for s in curated.studies.values()]
    placed = place(newcomers, {}, key, POLICY.splits)
    for true, study in _pairs(phantoms, curated, key):
        assert study.patient == key.patient(true.patient_id)
        assert study.split is placed[study.patient].split


def test_scout_lines_cross_where_the_slices_do(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    for _, study in _pairs(phantoms, curated, key):
        sagittal, axial = study.series
        assert [line.slice for line in axial.scout_lines] == list(range(len(axial.slices)))
        middle = np.asarray(sagittal.slices[sagittal.midline].to_patient)
        for line in axial.scout_lines:
            plane = np.asarray(axial.slices[line.slice].to_patient)
            normal = np.cross(plane[:, 0], plane[:, 1]) / np.linalg.norm(np.cross(plane[:, 0], plane[:, 1]))
            for x, y in (line.start, line.end):
                point = middle @ [x / 2, y / 2, 0, 1]
                assert abs((point - plane[:, 3]) @ normal) < 0.01


def test_findings_of_the_truth_carry_the_stores_pseudonyms(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey
) -> None:
    found = findings_by_study(phantoms.truth, key)
    assert found.keys() == curated.studies.keys()
    for planes in found.values():
        assert all(d.pfirrmann is not None for d in planes[Plane.SAGITTAL].discs)
        assert all(d.pfirrmann is None for d in planes[Plane.AXIAL].discs)


def test_fluid_is_not_clipped(curated: Curated) -> None:
    """The display tells grade 1 from 2 by comparison with fluid: on the midline little of it is at white."""
    for study in curated.studies.values():
        series = study.series[0]
        image = np.asarray(Image.open(curated.store / series.slices[series.midline].path))
        assert image.dtype == np.uint8
        assert 0.0 < (image > 180).mean() < 0.3
        assert (image == 255).mean() < 0.12


def test_running_again_changes_nothing(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey, tmp_path: Path
) -> None:
    def state() -> dict[str, tuple[int, int]]:
        files = [p for p in curated.store.rglob("*.png")]
        return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in files}

    before, manifest = state(), (curated.store / "manifest.jsonl").read_bytes()
    again = curate(phantoms.folder, curated.store, key=key, policy=POLICY, workers=2)
    assert (again.unchanged, again.changed) == (3, 0)
    assert state() == before
    assert (curated.store / "manifest.jsonl").read_bytes() == manifest
    assert json.loads(again.model_dump_json())["curated"] == 3
