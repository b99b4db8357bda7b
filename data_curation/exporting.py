"""`discloop export`: labels and slices of a store as a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_curation.exporters import coco, csv, yolo
from data_curation.exporters.bundle import Agreement, Bundle, into_new_folder, read_bundle
from domain.errors import DiscLoopError


def _dicom_sr(bundle: Bundle, out: Path) -> int:
    # highdicom takes seconds to load, and every command of discloop would wait for it.
    from data_curation.exporters import dicom_sr

    return dicom_sr.write(bundle, out)


EXPORTERS = {"yolo": yolo.write, "coco": coco.write, "csv": csv.write, "dicom-sr": _dicom_sr}
"""Formats by name; each writes a `Bundle` into a folder and returns how many it wrote."""


def export_labels(
    name: str,
    out: Path,
    *,
    store: Path,
    labels: Path,
    licence: str = "not stated",
    agreement: Agreement | None = None,
) -> dict[str, Any]:
    """Export all of a labels file; the folder appears whole or not at all.

    Args:
        name: One of `EXPORTERS`.
        out: Folder; absent or empty.
        store: The store that the labels belong to.
        labels: `labels.LabelledStudy` as JSON lines.
        licence: Named in the card.
        agreement: Of the readers, for the card.

    Raises:
        DiscLoopError: If the format is unknown, or the labels do not fit the store.
    """
    if name not in EXPORTERS:
        raise DiscLoopError(f"FORMAT: expected one of {', '.join(EXPORTERS)}, got {name}")
    bundle = read_bundle(store, labels, licence, agreement)
    written: list[int] = []
    into_new_folder(out, lambda folder: written.append(EXPORTERS[name](bundle, folder)))
    return {"format": name, "out": str(out), "studies": len(bundle.labels), "written": written[0]}
