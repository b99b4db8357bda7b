"""What is exported: labelled studies of a store, checked to fit each other, and the card that goes along."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from data_curation.importers.table import code_of
from data_curation.labels import LabelledStudy, LabelledUnit, read_labels
from data_curation.store import read_studies
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.manifest import Series, Slice, Study

Finding = Disc | Herniation | Hiz
Agreement = Mapping[str, Mapping[str, float | None]]
"""Statistics of the report by name, each with `value`, `low` and `high`."""


@dataclass(frozen=True)
class LabelledSlice:
    """A slice with the boxes on it; `number` is its place in the unit."""

    study: Study
    series: Series
    number: int
    slice: Slice
    boxes: tuple[tuple[str, Finding, SliceBox], ...]
    """The finding's name within the unit (`disc-1`, `hiz-2`), the finding, its box here."""

    @property
    def name(self) -> str:
        """`<study>_<plane>_<number>`: an import puts the unit together again."""
        return f"{self.study.study}_{self.series.plane.value}_{self.number:03d}"


@dataclass(frozen=True)
class Bundle:
    """A store and labels for it."""

    store: Path
    labels: tuple[LabelledStudy, ...]
    studies: dict[str, Study]
    licence: str
    agreement: Agreement | None = None

    def units(self) -> Iterator[tuple[Study, Series, LabelledUnit]]:
        """Each labelled unit with its study and series."""
        for labelled in self.labels:
            study = self.studies[labelled.study]
            for unit in labelled.units:
                yield study, next(s for s in study.series if s.plane is unit.findings.plane), unit

    def slices(self) -> Iterator[LabelledSlice]:
        """Every slice of every labelled unit, those without a box too: a slice without a mark is a label."""
        for study, series, unit in self.units():
            findings = [(f"{kind}-{k}", f) for kind, k, f in numbered(unit.findings)]
            for number, own in enumerate(series.slices):
                boxes = tuple((n, f, b) for n, f in findings for b in f.boxes if b.slice == number)
                yield LabelledSlice(study, series, number, own, boxes)


def numbered(findings: Findings) -> Iterator[tuple[str, int, Finding]]:
    """Kind (`disc`, `herniation`, `hiz`) and number from 1 of each finding."""
    for number, disc in enumerate(findings.discs, start=1):
        yield "disc", number, disc
    for number, herniation in enumerate(findings.herniations, start=1):
        yield "herniation", number, herniation
    for number, zone in enumerate(findings.hiz, start=1):
        yield "hiz", number, zone


def read_bundle(store: Path, labels: Path, licence: str, agreement: Agreement | None = None) -> Bundle:
    """Read labels and the store they belong to.

    Raises:
        DiscLoopError: If a labelled study, plane or slice is not in the store.
    """
    studies = {study.study: study for study in read_studies(store)}
    found = tuple(read_labels(labels))
    for labelled in found:
        _check(labelled, studies, labels)
    return Bundle(store, found, studies, licence, agreement)


def _check(labelled: LabelledStudy, studies: dict[str, Study], path: Path) -> None:
    study = studies.get(labelled.study)
    if study is None or study.patient != labelled.patient:
        raise DiscLoopError(f"{path}: study {labelled.study} is not in the store's manifest")
    for unit in labelled.units:
        plane = unit.findings.plane
        series = next((s for s in study.series if s.plane is plane), None)
        if series is None:
            raise DiscLoopError(f"{path}: study {labelled.study} has no {plane.value} series")
        for _, _, finding in numbered(unit.findings):
            for at in finding.boxes:
                if at.slice >= len(series.slices):
                    raise DiscLoopError(f"{path}: study {labelled.study}, {plane.value}: no slice {at.slice}")


def into_new_folder(out: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside `out`, then put it in its place: all or nothing.

    Raises:
        DiscLoopError: If `out` holds something.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DiscLoopError(f"{out}: expected an empty or absent folder, found something in it")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        write(unfinished)
        if out.exists():
            out.rmdir()
        os.replace(unfinished, out)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write_card(bundle: Bundle, out: Path) -> None:
    """`README.md`: what is in the data set, counted."""
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("split", "site", "scanner", "label", "level", "provenance", "arm")
    }
    patients = set()
    for study, series, unit in bundle.units():
        patients.add(study.patient)
        counts["split"][study.split.value] += 1
        counts["site"][study.site] += 1
        counts["scanner"][str(series.scanner.get("manufacturer", "unknown"))] += 1
        counts["provenance"][unit.provenance.source] += 1
        counts["arm"][unit.provenance.arm or "not recorded"] += 1
        for _, _, finding in numbered(unit.findings):
            counts["label"][code_of(finding, with_level=False)] += 1
            counts["level"][finding.level or "not named"] += 1
    units = sum(counts["split"].values())
    lines = [
        "# Lumbar disc labels",
        "",
        f"{units} units of {len(patients)} patients, de-identified; a unit is one study in one plane. "
        "Not for clinical use.",
        "",
        f"Licence: {bundle.licence}",
        "",
        "Splits are a property of the patient. The arm says what readers were shown. Grades are Pfirrmann 1 "
        "to 5 (sagittal only); lesions are marked only where present, so an assessed disc without a mark has "
        "none. Boxes: pixels, origin top left.",
    ]
    for name, table in counts.items():
        lines += ["", f"| {name} | {'findings' if name in ('label', 'level') else 'units'} |", "|---|---|"]
        lines += [f"| {key} | {count} |" for key, count in sorted(table.items())]
    lines += _agreement_lines(bundle.agreement)
    (out / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _agreement_lines(agreement: Agreement | None) -> list[str]:
    if agreement is None:
        return ["", "Agreement of the readers: not stated."]
    lines = [
        "", "Agreement of the readers on grades, unaided, before any decision (95 % intervals):", "",
        "| statistic | value | from | to |", "|---|---|---|---|",
    ]  # fmt: skip
    for name, told in agreement.items():
        cells = ("-" if told[k] is None else f"{told[k]:.3f}" for k in ("value", "low", "high"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines
