"""COCO detection JSON with all that a finding says in `attributes`: nothing is lost on the way back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from data_curation.exporters.bundle import Bundle, write_card
from data_curation.importers.table import code_of


def write(bundle: Bundle, out: Path) -> int:
    """Write all labelled slices; returns their number."""
    (out / "images").mkdir()
    categories = {"disc": 1, "herniation": 2, "hiz": 3}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for own in bundle.slices():
        number = len(images) + 1
        shutil.copyfile(bundle.store / own.slice.path, out / "images" / f"{own.name}.png")
        images.append(
            {
                "id": number,
                "file_name": f"{own.name}.png",
                "width": own.slice.width,
                "height": own.slice.height,
                "split": own.study.split.value,
                "patient": own.study.patient,
            }
        )
        for name, finding, at in own.boxes:
            box = at.box
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories[name.partition("-")[0]],
                    "bbox": [box.x1, box.y1, box.x2 - box.x1, box.y2 - box.y1],
                    "area": box.area,
                    "iscrowd": 0,
                    "attributes": {
                        "code": code_of(finding, with_level=True),
                        "finding": name,
                        "primary": finding.primary.slice == own.number,
                    },
                }
            )
    content = {
        "info": {"description": "Lumbar disc labels, de-identified. Not for clinical use."},
        "licenses": [{"id": 1, "name": bundle.licence}],
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }
    (out / "annotations.json").write_text(json.dumps(content), encoding="utf-8")
    write_card(bundle, out)
    return len(images)
