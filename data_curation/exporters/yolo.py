"""YOLO: `data.yaml`, `images/<split>/`, `labels/<split>/`. A class is a finding and its grade.

What a line of a label file has no room for (level, which boxes are one finding, the slice it was decided on)
is in `findings.csv`, line by line.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import yaml

from data_curation.exporters.bundle import Bundle, write_card
from data_curation.importers.table import code_of
from data_curation.importers.yolo import COLUMNS


def write(bundle: Bundle, out: Path) -> int:
    """Write all labelled slices; returns their number."""
    codes = sorted({code_of(f, with_level=False) for s in bundle.slices() for _, f, _ in s.boxes})
    splits, count = set(), 0
    named: list[tuple[object, ...]] = []
    for own in bundle.slices():
        split = own.study.split.value
        splits.add(split)
        for part in ("images", "labels"):
            (out / part / split).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.store / own.slice.path, out / "images" / split / f"{own.name}.png")
        width, height = own.slice.width, own.slice.height
        lines: list[str] = []
        for name, finding, at in own.boxes:
            (x, y), box = at.box.center, at.box
            shares = (x / width, y / height, (box.x2 - box.x1) / width, (box.y2 - box.y1) / height)
            kind = codes.index(code_of(finding, with_level=False))
            primary = int(finding.primary.slice == own.number)
            named.append((own.name, len(lines) + 1, name, finding.level or "", primary))
            lines.append(f"{kind} " + " ".join(f"{share:.10g}" for share in shares) + "\n")
        (out / "labels" / split / f"{own.name}.txt").write_text("".join(lines), encoding="utf-8")
        count += 1
    described = {
        "path": ".",
        **{split: f"images/{split}" for split in sorted(splits)},
        "names": dict(enumerate(codes)),
    }
    (out / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    with (out / "findings.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *named])
    write_card(bundle, out)
    return count
