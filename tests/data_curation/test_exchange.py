"""Exports come back as the same labels; earlier label files come in; unknown names are refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from PIL import Image
from pydicom.sr.codedict import codes

from data_curation.exporters.bundle import numbered
from data_curation.exporting import export_labels
from data_curation.identity import PseudonymKey
from data_curation.importers import coco, labelimg, labelme, spider, yolo
from data_curation.importers.pictures import Picture, studies_of
from data_curation.importers.table import Table, code_of
from data_curation.importing import import_studies
from data_curation.labels import LabelledStudy, LabelledUnit, Provenance, read_labels, write_labels
from data_curation.phantom.truth import findings_by_study
from data_curation.policy import POLICY
from domain.errors import DiscLoopError
from domain.findings import Findings
from domain.taxonomy import Level, Plane
from tests.data_curation.conftest import Curated, Phantoms, read_manifest

_SNOMED = {
    Level.T11_12: codes.SCT.T11T12Disc.value,
    Level.T12_L1: codes.SCT.T12L1Disc.value,
    Level.L1_2: codes.SCT.L1L2Disc.value,
    Level.L2_3: codes.SCT.L2L3Disc.value,
    Level.L3_4: codes.SCT.L3L4Disc.value,
    Level.L4_5: codes.SCT.L4L5Disc.value,
    Level.L5_S1: codes.SCT.L5S1Disc.value,
}


@pytest.fixture(scope="module")
def labels(
    phantoms: Phantoms, curated: Curated, key: PseudonymKey, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What perfect readers say of the phantoms."""
    path = tmp_path_factory.mktemp("labels") / "labels.jsonl"
    write_labels(
        path,
        [
            LabelledStudy(
                patient=curated.studies[study].patient,
                study=study,
                units=tuple(
                    LabelledUnit(findings=f, provenance=Provenance(source="agreed")) for f in planes.values()
                ),
            )
            for study, planes in findings_by_study(phantoms.truth, key).items()
        ],
    )
    return path


Flat = list[tuple[str, list[tuple[int, tuple[float, ...]]]]]


def _flat(findings: Findings) -> Flat:
    """Every finding's code with its level, and its boxes, that of the slice it was decided on first."""
    return [
        (
            code_of(finding, with_level=True),
            [
                (at.slice, tuple(round(v, 4) for v in at.box.as_list()))
                for at in (finding.primary, *sorted(finding.boxes[1:], key=lambda b: b.slice))
            ],
        )
        for _, _, finding in numbered(findings)
    ]


def _as_labelled(path: Path) -> dict[tuple[str, Plane], Findings]:
    return {(s.study, u.findings.plane): u.findings for s in read_labels(path) for u in s.units}


@pytest.mark.parametrize("form", ["yolo", "coco"])
def test_what_is_exported_comes_back(curated: Curated, labels: Path, tmp_path: Path, form: str) -> None:
    done = export_labels(form, tmp_path / "out", store=curated.store, labels=labels, licence="CC BY 4.0")
    assert done["written"] == sum(len(s.slices) for study in curated.studies.values() for s in study.series)
    again = studies_of(
        yolo.read(tmp_path / "out", Table()) if form == "yolo" else coco.read(tmp_path / "out", Table())
    )
    came = {(s.study, u.plane): u.findings for s in again for u in s.units}
    went = _as_labelled(labels)
    assert came.keys() == went.keys()
    for unit, findings in went.items():
        assert _flat(came[unit]) == _flat(findings)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Licence: CC BY 4.0" in card
    assert "| agreed | 6 |" in card
    assert "Agreement of the readers: not stated." in card


def test_the_card_states_the_agreement_that_is_known(curated: Curated, labels: Path, tmp_path: Path) -> None:
    told: dict[str, dict[str, float | None]] = {
        "kappa_linear": {"value": 0.71, "low": 0.6, "high": 0.8},
        "ac1": {"value": 0.5, "low": None, "high": None},
    }
    export_labels("csv", tmp_path / "out", store=curated.store, labels=labels, agreement=told)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| kappa_linear | 0.710 | 0.600 | 0.800 |" in card
    assert "| ac1 | 0.500 | - | - |" in card


def test_csv_names_every_finding(curated: Curated, labels: Path, tmp_path: Path) -> None:
    export_labels("csv", tmp_path / "out", store=curated.store, labels=labels)
    with (tmp_path / "out" / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    went = _as_labelled(labels)
    assert len(rows) == sum(len(list(numbered(f))) for f in went.values())
    for row in rows:
        findings = went[row["study"], Plane(row["plane"])]
        found = next(f for k, i, f in numbered(findings) if (k, str(i)) == (row["finding"], row["index"]))
        assert [float(row[e]) for e in ("x1", "y1", "x2", "y2")] == found.primary.box.as_list()
        assert (row["level"], row["slice"]) == (found.level, str(found.primary.slice))


def test_no_cell_is_a_formula_to_a_spreadsheet(curated: Curated, labels: Path, tmp_path: Path) -> None:
    study = next(read_labels(labels))
    units = tuple(
        unit.model_copy(update={"provenance": Provenance(source="reader", by="-2 readers")})
        for unit in study.units
    )
    write_labels(tmp_path / "labels.jsonl", [study.model_copy(update={"units": units})])
    export_labels("csv", tmp_path / "out", store=curated.store, labels=tmp_path / "labels.jsonl")
    with (tmp_path / "out" / "findings.csv").open(newline="") as file:
        assert {row["by"] for row in csv.DictReader(file)} == {"'-2 readers"}


def test_structured_reports_say_the_same_and_refer_to_their_images(
    curated: Curated, labels: Path, tmp_path: Path
) -> None:
    export_labels("dicom-sr", tmp_path / "out", store=curated.store, labels=labels)
    for (study, plane), findings in _as_labelled(labels).items():
        folder = tmp_path / "out" / study / plane.value
        report = hd.sr.srread(folder / "report.dcm")
        images = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, (folder / "images").iterdir())}
        content: Any = report.content
        groups = content.get_planar_roi_measurement_groups()
        for group, (kind, number, finding) in zip(groups, list(numbered(findings)), strict=True):
            assert group.tracking_identifier == f"{kind}-{number}"
            corners = group.roi.value
            box = [*corners.min(axis=0), *corners.max(axis=0)]
            assert box == pytest.approx(finding.primary.box.as_list())
            (source,) = (i.ReferencedSOPSequence[0] for i in group.roi.ContentSequence)
            assert images[source.ReferencedSOPInstanceUID].InstanceNumber == finding.primary.slice + 1
            told = {e.name.value: e.value.value for e in group.get_qualitative_evaluations()}
            if kind == "disc" and plane is Plane.SAGITTAL:
                assert told["PFIRRMANN"] == f"PFIRRMANN-{findings.discs[number - 1].pfirrmann}"
            sites = [site.value for site in group.finding_sites]
            if finding.level in _SNOMED:
                assert [(s.value, s.scheme_designator) for s in sites] == [(_SNOMED[finding.level], "SCT")]
        series = next(s for s in curated.studies[study].series if s.plane is plane)
        for number, shown in enumerate(series.slices, start=1):
            image = next(d for d in images.values() if d.InstanceNumber == number)
            assert np.array_equal(
                image.pixel_array, np.asarray(Image.open(curated.store / str(shown.source)))
            )
            assert image.PatientID == curated.studies[study].patient
            assert str(image.PatientName).startswith("pt-")


def test_labels_that_do_not_fit_the_store_are_refused(curated: Curated, labels: Path, tmp_path: Path) -> None:
    study = next(read_labels(labels))
    write_labels(tmp_path / "stranger.jsonl", [study.model_copy(update={"study": "st-000000000000"})])
    with pytest.raises(DiscLoopError, match="not in the store's manifest"):
        export_labels("csv", tmp_path / "out", store=curated.store, labels=tmp_path / "stranger.jsonl")
    (tmp_path / "broken.jsonl").write_text('{"patient": "pt-1234"}\n')
    with pytest.raises(DiscLoopError, match="line 1: study"):
        export_labels("csv", tmp_path / "out", store=curated.store, labels=tmp_path / "broken.jsonl")
    with pytest.raises(DiscLoopError, match="one of yolo, coco, csv, dicom-sr"):
        export_labels("pptx", tmp_path / "out", store=curated.store, labels=labels)
    assert not (tmp_path / "out").exists()


def _picture(path: Path, seed: int = 0) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (60, 80), dtype=np.uint8)
    Image.fromarray(noise).save(path)


def _labelme(folder: Path, label: str = "Grade 3") -> None:
    folder.mkdir(exist_ok=True)
    _picture(folder / "patient7_01.png")
    shapes = [
        {"label": label, "points": [[10, 20], [30, 40]], "shape_type": "rectangle"},
        {"label": "HIZ", "points": [[12, 22], [14, 22], [14, 26]], "shape_type": "polygon"},
    ]
    content = {"imagePath": "patient7_01.png", "shapes": shapes, "imageHeight": 60, "imageWidth": 80}
    (folder / "patient7_01.json").write_text(json.dumps(content))


def test_labelme_comes_in(tmp_path: Path, key: PseudonymKey) -> None:
    _labelme(tmp_path / "in")
    studies = studies_of(labelme.read(tmp_path / "in", Table()))
    assert [s.patient for s in studies] == ["patient7"]
    store = tmp_path / "store"
    summary = import_studies("labelme", studies, store, key=key, policy=POLICY, site="earlier")
    assert (summary.imported, summary.boxes, summary.graded) == (1, 2, 1)
    (study,), (labelled,) = read_manifest(store), list(read_labels(store / "labels.jsonl"))
    assert (study.study, study.patient) == (labelled.study, labelled.patient)
    findings = labelled.units[0].findings
    assert findings.discs[0].primary.box.as_list() == [10, 20, 30, 40]
    assert findings.hiz[0].primary.box.as_list() == [12, 22, 14, 26]
    assert "patient7" not in (store / "manifest.jsonl").read_text()
    again = import_studies("labelme", studies, store, key=key, policy=POLICY, site="earlier")
    assert again == summary


def test_labelimg_counts_from_one(tmp_path: Path) -> None:
    _picture(tmp_path / "a_1.png")
    (tmp_path / "a_1.xml").write_text(
        "<annotation><filename>a_1.png</filename><object><name>pfirrmann_5</name><bndbox><xmin>1</xmin>"
        "<ymin>11</ymin><xmax>80</xmax><ymax>20</ymax></bndbox></object></annotation>"
    )
    (study,) = studies_of(labelimg.read(tmp_path, Table()))
    disc = study.units[0].findings.discs[0]
    assert (disc.pfirrmann, disc.primary.box.as_list()) == (5, [0, 10, 80, 20])
    (tmp_path / "bomb.xml").write_text('<!DOCTYPE a [<!ENTITY b "b">]><annotation>&b;</annotation>')
    with pytest.raises(DiscLoopError, match=r"bomb\.xml: not a LabelImg file"):
        list(labelimg.read(tmp_path, Table()))


def _coco(folder: Path, label: str) -> None:
    _picture(folder / "a_1.png")
    content = {
        "categories": [{"id": 4, "name": label}],
        "images": [{"id": 1, "file_name": "a_1.png"}],
        "annotations": [{"image_id": 1, "category_id": 4, "bbox": [1, 2, 30, 10]}],
    }
    (folder / "labels.json").write_text(json.dumps(content))


def _yolo(folder: Path, label: str) -> None:
    for part in ("images", "labels"):
        (folder / part).mkdir()
    _picture(folder / "images" / "a_1.png")
    (folder / "labels" / "a_1.txt").write_text("0 0.5 0.5 0.2 0.1\n")
    (folder / "data.yaml").write_text(json.dumps({"names": [label]}))


def _labelimg(folder: Path, label: str) -> None:
    _picture(folder / "a_1.png")
    (folder / "a_1.xml").write_text(
        f"<annotation><filename>a_1.png</filename><object><name>{label}</name><bndbox><xmin>1</xmin>"
        "<ymin>11</ymin><xmax>80</xmax><ymax>20</ymax></bndbox></object></annotation>"
    )


FORMATS = [(coco.read, _coco), (yolo.read, _yolo), (labelimg.read, _labelimg), (labelme.read, _labelme)]


@pytest.mark.parametrize(("read", "write"), FORMATS, ids=["coco", "yolo", "labelimg", "labelme"])
def test_every_format_refuses_what_the_table_does_not_know(
    tmp_path: Path, read: Callable[[Path, Table], Iterator[Picture]], write: Callable[[Path, str], None]
) -> None:
    write(tmp_path, "Bandscheibe")
    with pytest.raises(DiscLoopError, match="'Bandscheibe' is not in the table"):
        list(read(tmp_path, Table()))
    (picture,) = read(tmp_path, Table({"bandscheibe": "disc:2@L4/5"}))
    assert picture.marks[0].meaning.code == "disc:2@L4/5"


def test_unknown_labels_are_refused_by_name_and_can_be_declared(tmp_path: Path) -> None:
    _labelme(tmp_path / "in", label="Bandscheibe")
    with pytest.raises(DiscLoopError, match="'Bandscheibe' is not in the table"):
        list(labelme.read(tmp_path / "in", Table()))
    (tmp_path / "table.json").write_text('{"bandscheibe": "disc:2@L4/5"}')
    (picture,) = labelme.read(tmp_path / "in", Table.read(tmp_path / "table.json"))
    assert picture.marks[0].meaning.level is Level.L4_5
    (tmp_path / "table.json").write_text('{"bandscheibe": "disc:9"}')
    with pytest.raises(DiscLoopError, match="'disc:9' is not a code"):
        Table.read(tmp_path / "table.json")


def _spider(folder: Path) -> None:
    """Two slabs of disc in a volume, stored as the data set stores them."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    image = np.zeros((9, 60, 50), np.int16)
    image[2:7] = np.arange(60 * 50).reshape(60, 50) % 900
    mask = np.zeros((9, 60, 50), np.uint8)
    mask[3:8, 40:46, 10:30] = 201
    mask[2:7, 20:25, 12:32] = 202
    for part, array in (("images", image), ("masks", mask)):
        volume = sitk.GetImageFromArray(array)
        volume.SetSpacing((0.625, 0.625, 4.0))  # type: ignore[no-untyped-call]
        # Columns run to the back, rows to the feet, slices to the patient's left.
        direction = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
        volume.SetDirection(direction)  # type: ignore[no-untyped-call]
        sitk.WriteImage(volume, str(folder / part / "5_t2.mha"))
    header = (
        "Patient,IVD label,Modic,UP endplate,LOW endplate,Spondylolisthesis,Disc herniation,Disc narrowing,"
    )
    rows = ["5,1,0,0,0,0,1,0,0,4", "5,2,0,0,0,0,0,0,0,2", "5,3,0,0,0,0,0,0,0,1"]
    (folder / "radiological_gradings.csv").write_text(
        "\n".join([header + "Disc bulging,Pfirrman grade", *rows])
    )


def test_spider_as_published(tmp_path: Path) -> None:
    _spider(tmp_path)
    (study,) = spider.read(tmp_path, Table())
    unit = study.units[0]
    assert (len(unit.slices), unit.slices[0].shape) == (9, (60, 50))
    assert (unit.spacing, unit.gap) == (0.625, 4.0)
    low, high = unit.findings.discs
    assert (low.level, low.pfirrmann, low.primary.slice, low.primary.box.as_list()) == (
        Level.L5_S1, 4, 5, [10, 40, 30, 46],
    )  # fmt: skip
    assert (high.level, high.pfirrmann, high.primary.slice, high.primary.box.as_list()) == (
        Level.L4_5, 2, 4, [12, 20, 32, 25],
    )  # fmt: skip
    assert study.unlocated == ((1, None, True), (3, 1, False))


def test_a_wrong_grade_is_named_with_its_line(tmp_path: Path) -> None:
    _spider(tmp_path)
    path = tmp_path / "radiological_gradings.csv"
    path.write_text(path.read_text().replace("5,2,0,0,0,0,0,0,0,2", "5,2,0,0,0,0,0,0,0,7"))
    with pytest.raises(DiscLoopError, match=r"radiological_gradings\.csv, line 3"):
        list(spider.read(tmp_path, Table()))
