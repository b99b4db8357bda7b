"""DICOM SR (TID 1500 Measurement Report, PS3.16): per finding a planar region with coded level and grade.

The images a report refers to are written beside it: the store's 16-bit slices under pseudonyms, their place
in the patient kept. Levels and anatomy are SNOMED CT codes; a Pfirrmann grade has none there and is
coded in the private scheme `99DISCLOOP`.
"""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from highdicom.sr import CodedConcept
from PIL import Image as PillowImage
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from data_curation.exporters.bundle import Bundle, Finding, numbered, write_card
from data_curation.labels import LabelledUnit
from data_curation.synthesis import write_series
from domain.findings import Disc, Herniation, Hiz
from domain.manifest import Series, Study
from domain.taxonomy import Level

SCHEME = "99DISCLOOP"
_LEVELS = {
    Level.T11_12: codes.SCT.T11T12Disc,
    Level.T12_L1: codes.SCT.T12L1Disc,
    Level.L1_2: codes.SCT.L1L2Disc,
    Level.L2_3: codes.SCT.L2L3Disc,
    Level.L3_4: codes.SCT.L3L4Disc,
    Level.L4_5: codes.SCT.L4L5Disc,
    Level.L5_S1: codes.SCT.L5S1Disc,
}
GRADE = CodedConcept("PFIRRMANN", SCHEME, "Pfirrmann grade")
FINDINGS = {
    "disc": CodedConcept("DISC", SCHEME, "Intervertebral disc"),
    "herniation": CodedConcept("HERNIATION", SCHEME, "Disc herniation"),
    "hiz": CodedConcept("HIZ", SCHEME, "High-intensity zone of the annulus"),
}


def write(bundle: Bundle, out: Path) -> int:
    """Write a report and its images for each labelled unit; returns the number of reports."""
    count = 0
    for study, series, unit in bundle.units():
        folder = out / study.study / series.plane.value
        images = _write_images(bundle.store, study, series, folder / "images")
        report = _report(study, series, unit, images)
        if report is not None:
            report.save_as(folder / "report.dcm", enforce_file_format=True)
            count += 1
    write_card(bundle, out)
    return count


def _write_images(store: Path, study: Study, series: Series, folder: Path) -> list[Dataset]:
    arrays, positions, orientations = [], [], []
    for own in series.slices:
        with PillowImage.open(store / (own.source or own.path)) as image:
            arrays.append(np.asarray(image).astype(np.uint16))
        matrix = np.asarray(own.to_patient)
        positions.append((matrix @ [0.5, 0.5, 0, 1]).tolist())
        orientations.append((matrix[:, :2] / np.linalg.norm(matrix[:, :2], axis=0)).T.ravel().tolist())
    year_month = (study.month or "1900-01").replace("-", "")
    written = write_series(
        arrays,
        folder,
        plane=series.plane,
        spacing=series.spacing,
        slice_spacing=float(series.scanner.get("slice_spacing", 1.0)),
        header={
            "StudyDate": f"{year_month}01",
            "StudyTime": "000000",
            "PatientSex": study.sex or "",
            "PatientBirthDate": "",
            "AccessionNumber": "",
            "ReferringPhysicianName": "",
            "StudyID": "",
            "PatientIdentityRemoved": "YES",
            "DeidentificationMethod": "DiscLoop: pixels and geometry only, under pseudonyms",
            "Manufacturer": str(series.scanner.get("manufacturer", "")),
            "RescaleSlope": f"{series.rescale[0]:.10g}",
            "RescaleIntercept": f"{series.rescale[1]:.10g}",
        },
        patient_name=f"{study.patient}^",
        patient_id=study.patient,
        study_uid=str(generate_uid(entropy_srcs=["discloop", study.study])),
        positions=positions,
        orientations=orientations,
        seed=f"{study.study}-{series.plane.value}",
    )
    return [pydicom.dcmread(path) for path in written.paths]


def _report(study: Study, series: Series, unit: LabelledUnit, images: list[Dataset]) -> Dataset | None:
    regions = [_region(kind, number, finding, images) for kind, number, finding in numbered(unit.findings)]
    if not regions:
        return None
    observer = hd.sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=generate_uid(entropy_srcs=["discloop"]), name="DiscLoop", model_name=unit.provenance.source
        ),
    )
    content = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(observer_device_context=observer),
        procedure_reported=CodedConcept("LUMBAR-MR", SCHEME, "MR of the lumbar spine"),
        imaging_measurements=regions,
        referenced_images=images,
    )
    name = ["discloop", study.study, series.plane.value, "report"]
    return hd.sr.ComprehensiveSR(
        evidence=images,
        content=content[0],
        series_instance_uid=generate_uid(entropy_srcs=[*name, "series"]),
        series_number=90,
        sop_instance_uid=generate_uid(entropy_srcs=name),
        instance_number=1,
        manufacturer="DiscLoop",
        is_complete=True,
    )


def _region(
    kind: str, number: int, finding: Finding, images: list[Dataset]
) -> hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations:
    at = finding.primary
    box = at.box
    corners = np.array(
        [(box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2), (box.x1, box.y1)]
    )
    image = images[at.slice]
    source = hd.sr.SourceImageForRegion(image.SOPClassUID, image.SOPInstanceUID)
    site = _LEVELS.get(finding.level) if finding.level else None
    return hd.sr.PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=generate_uid(entropy_srcs=[str(image.SOPInstanceUID), kind, str(number)]),
            identifier=f"{kind}-{number}",
        ),
        referenced_region=hd.sr.ImageRegion(
            graphic_type=hd.sr.GraphicTypeValues.POLYLINE, graphic_data=corners, source_image=source
        ),
        finding_type=FINDINGS[kind],
        finding_sites=[hd.sr.FindingSite(anatomic_location=site)] if site is not None else None,
        qualitative_evaluations=_evaluations(finding),
    )


def _evaluations(finding: Finding) -> list[hd.sr.QualitativeEvaluation]:
    def coded(name: CodedConcept, value: str, meaning: str) -> hd.sr.QualitativeEvaluation:
        return hd.sr.QualitativeEvaluation(name=name, value=CodedConcept(value, SCHEME, meaning))

    found = []
    if isinstance(finding, Disc) and finding.pfirrmann is not None:
        found.append(coded(GRADE, f"PFIRRMANN-{finding.pfirrmann}", f"Pfirrmann grade {finding.pfirrmann}"))
    if isinstance(finding, Disc) and finding.not_gradable is not None:
        found.append(coded(GRADE, f"NOT-GRADABLE-{finding.not_gradable.upper()}", "Not gradable"))
    if isinstance(finding, Herniation) and finding.type is not None:
        name = CodedConcept("HERNIATION-TYPE", SCHEME, "Type of herniation")
        found.append(coded(name, finding.type.upper(), finding.type.capitalize()))
    if isinstance(finding, Hiz) and finding.side is not None:
        name = CodedConcept("HIZ-SIDE", SCHEME, "Side of the annulus")
        found.append(coded(name, finding.side.upper(), finding.side.capitalize()))
    if finding.level is not None and finding.level not in _LEVELS:
        name = CodedConcept("LEVEL", SCHEME, "Level")
        found.append(coded(name, finding.level.replace("/", "-"), f"{finding.level} disc"))
    return found
