"""CSV: a line a finding, with the slice and box it was decided on."""

from __future__ import annotations

import csv
from pathlib import Path

from data_curation.exporters.bundle import Bundle, Finding, numbered, write_card
from data_curation.labels import LabelledUnit
from domain.findings import Disc, Herniation
from domain.manifest import Series, Study
from domain.spreadsheet import plain_cell

COLUMNS = (
    "patient", "study", "site", "split", "plane", "finding", "index", "level", "pfirrmann", "not_gradable",
    "type", "side", "slice", "image", "x1", "y1", "x2", "y2", "slices", "source", "by", "arm",
)  # fmt: skip


def write(bundle: Bundle, out: Path) -> int:
    """Write `findings.csv`; returns the number of its lines."""
    count = 0
    with (out / "findings.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, restval="")
        table.writeheader()
        for study, series, unit in bundle.units():
            for kind, index, finding in numbered(unit.findings):
                row = _row(study, series, unit, finding) | {"finding": kind, "index": index}
                table.writerow({name: plain_cell(value) for name, value in row.items()})
                count += 1
    write_card(bundle, out)
    return count


def _row(study: Study, series: Series, unit: LabelledUnit, finding: Finding) -> dict[str, object]:
    at = finding.primary
    row: dict[str, object] = {
        "patient": study.patient,
        "study": study.study,
        "site": study.site,
        "split": study.split.value,
        "plane": series.plane.value,
        "level": finding.level or "",
        "slice": at.slice,
        "image": series.slices[at.slice].path,
        **dict(zip(("x1", "y1", "x2", "y2"), at.box.as_list(), strict=True)),
        "slices": " ".join(str(b.slice) for b in finding.boxes),
        "source": unit.provenance.source,
        "by": unit.provenance.by or "",
        "arm": unit.provenance.arm or "",
    }
    if isinstance(finding, Disc):
        return row | {"pfirrmann": finding.pfirrmann or "", "not_gradable": finding.not_gradable or ""}
    if isinstance(finding, Herniation):
        return row | {"type": finding.type or ""}
    return row | {"side": finding.side or ""}
