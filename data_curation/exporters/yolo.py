"""YOLO: `data.yaml`, `images/<split>/`, `labels/<split>/`. A class is a finding and its grade; no levels."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from data_curation.exporters.bundle import Bundle, write_card
from data_curation.importers.table import code_of


def write(bundle: Bundle, out: Path) -> int:
    """Write all labelled slices; returns their number."""
    codes = sorted({code_of(f, with_level=False) for s in bundle.slices() for _, f, _ in s.boxes})
    splits, count = set(), 0
    for own in bundle.slices():
        split = own.study.split.value
        splits.add(split)
        for part in ("images", "labels"):
            (out / part / split).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bundle.store / own.slice.path, out / "images" / split / f"{own.name}.png")
        width, height = own.slice.width, own.slice.height
        lines = []
        for _, finding, at in own.boxes:
            (x, y), box = at.box.center, at.box
            shares = (x / width, y / height, (box.x2 - box.x1) / width, (box.y2 - box.y1) / height)
            kind = codes.index(code_of(finding, with_level=False))
            lines.append(f"{kind} " + " ".join(f"{share:.10g}" for share in shares) + "\n")
        (out / "labels" / split / f"{own.name}.txt").write_text("".join(lines), encoding="utf-8")
        count += 1
    described = {
        "path": ".",
        **{split: f"images/{split}" for split in sorted(splits)},
        "names": dict(enumerate(codes)),
    }
    (out / "data.yaml").write_text(yaml.safe_dump(described, sort_keys=False), encoding="utf-8")
    write_card(bundle, out)
    return count
