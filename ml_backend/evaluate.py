"""`python -m ml_backend.evaluate WEIGHTS --snapshot DIR --store STORE --split test --out FILE`.

Writes each patient's discs, truth beside prediction, for the gate's statistics, and a summary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from domain.errors import DiscLoopError
from domain.taxonomy import Split
from ml_backend.crossvalidation import read_fold
from ml_backend.export_check import compare_export
from ml_backend.metrics import matched_boxes, summarise
from ml_backend.model import LoadedModel, load_model
from ml_backend.ordinal import median_grade
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import LabelledSlice
from ml_backend.snapshot import labelled_slices, read_snapshot

MATCHED = 0.3
"""Overlap from which a found disc is a true one (DESIGN.md, "Matching")."""


def main(
    weights: Annotated[Path, typer.Argument(help="Folder of the model.")],
    snapshot: Annotated[Path, typer.Option(help="Folder with snapshot.json.")],
    store: Annotated[Path, typer.Option(help="The store that the slices lie in.", exists=True)],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    split: Annotated[Split, typer.Option(help="Which patients.")] = Split.TEST,
) -> None:
    """Evaluate a model on a snapshot's patients."""
    try:
        report = evaluate_snapshot(weights, snapshot, store, split=split)
        write_report(report, out)
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def evaluate_snapshot(weights: Path, snapshot: Path, store: Path, *, split: Split) -> dict[str, Any]:
    """The model's readings of a split: `{"model", "split", "items", "serving", "summary"}`."""
    items = [item for item in read_snapshot(snapshot).items if item.split is split]
    studies = {f"{item.study}/": item.study for item in items}
    slices = list(labelled_slices(items, store))
    if not slices:
        raise DiscLoopError(f"{snapshot}: no sagittal study with discs in the split {split.value}")
    model = load_model(weights, runtime=RuntimeName.EAGER)
    readings = read_slices(model, slices)
    described = [
        {"study": studies[slice_.name.rsplit("/", 1)[0] + "/"], **describe_item(reading, model)}
        for slice_, reading in zip(slices, readings, strict=True)
    ]
    return {
        "model": model.version,
        "split": split.value,
        "items": described,
        "serving": compare_export(
            model, load_model(weights, threads=1), [(s.image, s.boxes) for s in slices if s.boxes is not None]
        ),
        "summary": summarise(readings),
    }


def read_slices(model: LoadedModel, slices: Sequence[LabelledSlice]) -> list[dict[str, Any]]:
    """End-to-end readings of labelled slices, aligned to the truth by overlap."""
    drawn = {s.name: s.boxes for s in slices if s.boxes is not None}
    readings = read_fold(model, slices, {})
    for slice_, reading in zip(slices, readings, strict=True):
        boxes = drawn.get(slice_.name)
        reading["true_boxes"] = None if boxes is None else boxes.tolist()
    return readings


def describe_item(reading: Mapping[str, Any], model: LoadedModel) -> dict[str, Any]:
    """One slice's discs as the gate reads them: truth, prediction and probabilities, matched by overlap."""
    pairs = {true: found for found, true in matched_boxes(reading, overlap=MATCHED)}
    threshold = model.description.herniation_threshold
    discs, lesions = [], {"true_positive": 0, "false_positive": 0, "false_negative": 0, "true_negative": 0}
    for i, (truth, herniated) in enumerate(
        zip(reading["true_grades"], reading["true_herniated"], strict=True)
    ):
        probabilities = reading["probs"][pairs[i]] if i in pairs else None
        if truth is not None:
            discs.append(_disc(i, truth, probabilities))
        if herniated is not None:
            said = i in pairs and reading["herniated"][pairs[i]] >= threshold
            lesions[_outcome(bool(herniated), said)] += 1
    return {
        "patient": reading["patient"],
        "discs": discs,
        "missed": len(reading["true_boxes"]) - len(pairs),
        "invented": len(reading["boxes"]) - len(pairs),
        "herniations": lesions,
    }


def write_report(report: Mapping[str, Any], out: Path) -> None:
    """Write JSON, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".part")
    partial.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    partial.replace(out)


def _disc(i: int, truth: int, probabilities: list[float] | None) -> dict[str, Any]:
    row = np.array([probabilities], np.float32) if probabilities is not None else None
    return {
        "index": i + 1,
        "truth": truth,
        "predicted": int(median_grade(row)[0]) if row is not None else None,
        "probs": probabilities,
        "matched": probabilities is not None,
    }


def _outcome(truth: bool, said: bool) -> str:
    if truth:
        return "true_positive" if said else "false_negative"
    return "false_positive" if said else "true_negative"


if __name__ == "__main__":
    typer.run(main)
