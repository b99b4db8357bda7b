"""`discloop import`: studies of another data set into a store, with their labels in `labels.jsonl`."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from data_curation.display import to_display, window_of
from data_curation.finishing import finish
from data_curation.identity import PseudonymKey
from data_curation.importers.pictures import ImportedStudy, ImportedUnit
from data_curation.labels import LabelledStudy, LabelledUnit, Provenance, UnlocatedDisc
from data_curation.midline import find_midline
from data_curation.pixels import sketch_of
from data_curation.policy import Policy
from data_curation.stacks import write_png
from data_curation.store import Record, Store
from data_curation.studies import CuratedStudy, age_band
from data_curation.summary import StudyNote
from data_curation.verification import check_folder, check_json
from domain.errors import DiscLoopError
from domain.findings import Findings
from domain.manifest import Series, Slice
from domain.taxonomy import Level, NumberingBasis, Plane, name_column


class ImportSummary(BaseModel):
    """What an import did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    imported: int
    studies: int
    """In the store now."""
    slices: int
    boxes: int
    graded: int
    """Discs with a Pfirrmann grade, boxes or not."""
    splits: dict[str, int]
    rejected: tuple[StudyNote, ...]


def import_studies(
    name: str,
    studies: Iterable[ImportedStudy],
    root: Path,
    *,
    key: PseudonymKey,
    policy: Policy,
    site: str,
    external: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> ImportSummary:
    """Keep studies of another data set, each whole or not at all; a study that is there already is replaced.

    Args:
        name: The format, kept as the labels' provenance.
        studies: Read one by one, so memory stays flat.
        root: The store.
        key: Makes the pseudonyms.
        policy: Shares of the splits.
        site: Code of the data set.
        external: Whether its patients are for external testing only.
        progress: Told how many are kept.

    Raises:
        DiscLoopError: If a file of the source is wrong; studies before it are kept, and it can be run again.
    """
    kept = boxes = graded = 0
    with Store.opened(root, key.fingerprint) as store:
        for study in studies:
            labels = _keep(store, study, name, key, policy, site, external)
            kept += 1
            boxes += sum(_boxes(unit.findings) for unit in labels.units)
            graded += sum(d.pfirrmann is not None for unit in labels.units for d in unit.findings.discs)
            graded += sum(u.pfirrmann is not None for u in labels.unlocated)
            progress(kept)
        if kept == 0:
            raise DiscLoopError(f"no study of format {name} found in the source")
        done = finish(store, key, policy, lambda word: False, {})
    return ImportSummary(
        format=name,
        imported=kept,
        studies=done.studies,
        slices=done.slices,
        boxes=boxes,
        graded=graded,
        splits=done.splits,
        rejected=done.notes,
    )


def _boxes(findings: Findings) -> int:
    return sum(len(f.boxes) for f in (*findings.discs, *findings.herniations, *findings.hiz))


def _keep(
    store: Store,
    study: ImportedStudy,
    name: str,
    key: PseudonymKey,
    policy: Policy,
    site: str,
    external: bool,
) -> LabelledStudy:
    number = key.study(f"{name}/{study.study}")
    patient = key.patient(f"{name}/{study.patient}")
    folder = store.work / number
    shutil.rmtree(folder, ignore_errors=True)
    series, digests = [], []
    for unit in study.units:
        written, digest = _write_unit(
            unit, folder / unit.plane.value, f"studies/{number}/{unit.plane.value}", policy
        )
        series.append(written)
        digests.append(digest)
    curated = CuratedStudy(
        patient=patient,
        study=number,
        age_band=age_band(study.age, policy.eligibility.age_bands),
        sex=study.sex,
        month=None,
        numbering=NumberingBasis.ASSUMED,
        series=tuple(series),
        digest=hashlib.sha256("".join(digests).encode()).hexdigest(),
        pixels=tuple(one for unit in study.units for one in sketch_of(unit.slices)),
    )
    record = Record(
        study=number,
        site=site,
        external=external,
        fingerprint=key.digest("import", *digests),
        curated=curated,
        reason=None,
        notes=(),
    )
    check_json(json.loads(record.model_dump_json()), lambda word: False, number)
    check_folder(folder, f"studies/{number}/")
    labels = _labels(study, number, patient, name)
    store.keep(record, folder, labels)
    return labels


def _labels(study: ImportedStudy, number: str, patient: str, name: str) -> LabelledStudy:
    count = max((index for index, _, _ in study.unlocated), default=0)
    levels: tuple[Level | None, ...] = name_column(count, 1, Level.L5_S1) if count else ()
    whose = Provenance(source="imported", by=name)
    return LabelledStudy(
        patient=patient,
        study=number,
        units=tuple(LabelledUnit(findings=u.findings, provenance=whose) for u in study.units),
        unlocated=tuple(
            UnlocatedDisc(index=index, level=levels[index - 1], pfirrmann=grade, herniation=herniation)
            for index, grade, herniation in study.unlocated
        ),
    )


def _write_unit(unit: ImportedUnit, folder: Path, home: str, policy: Policy) -> tuple[Series, str]:
    folder.mkdir(parents=True)
    spacing, gap = unit.spacing or 1.0, unit.gap or 1.0
    eight_bit = all(s.dtype == np.uint8 for s in unit.slices)
    midline = unit.midline if unit.midline is not None else len(unit.slices) // 2
    if (
        unit.midline is None
        and unit.plane is Plane.SAGITTAL
        and len(unit.slices) > 4
        and _one_shape(unit.slices)
    ):
        midline = find_midline([s.astype(np.uint16) for s in unit.slices], spacing, gap).slice
    window = (0.0, 255.0) if eight_bit else window_of(_around(unit.slices, midline), policy.display)
    digest = hashlib.sha256()
    slices = []
    for number, pixels in enumerate(unit.slices):
        digest.update(str((unit.plane.value, pixels.shape)).encode() + np.ascontiguousarray(pixels).tobytes())
        write_png(folder / f"{number:03d}.png", pixels if eight_bit else to_display(pixels, window))
        if not eight_bit:
            write_png(folder / f"{number:03d}.source.png", pixels.astype(np.uint16))
        slices.append(
            Slice(
                path=f"{home}/{number:03d}.png",
                source=None if eight_bit else f"{home}/{number:03d}.source.png",
                width=pixels.shape[1],
                height=pixels.shape[0],
                position=number * gap,
                to_patient=_matrix(unit.plane, spacing, number * gap),
            )
        )
    series = Series(
        plane=unit.plane,
        slices=tuple(slices),
        midline=midline,
        spacing=spacing,
        window=window,
        scanner=unit.scanner,
        flags={} if unit.spacing else {"spacing_assumed": 1.0},
    )
    return series, digest.hexdigest()


def _one_shape(slices: tuple[NDArray[Any], ...]) -> bool:
    return len({s.shape for s in slices}) == 1


def _around(slices: tuple[NDArray[Any], ...], midline: int) -> list[NDArray[np.uint16]]:
    return [s.astype(np.uint16) for s in slices[max(midline - 1, 0) : midline + 2]]


def _matrix(plane: Plane, spacing: float, position: float) -> tuple[tuple[float, float, float, float], ...]:
    """A place in an invented patient, upright, for data sets that do not tell the true one."""
    if plane is Plane.SAGITTAL:
        return ((0.0, 0.0, 1.0, position), (spacing, 0.0, 0.0, 0.0), (0.0, -spacing, 0.0, 0.0))
    return ((spacing, 0.0, 0.0, 0.0), (0.0, spacing, 0.0, 0.0), (0.0, 0.0, 1.0, position))
