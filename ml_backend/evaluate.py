"""`python -m ml_backend.evaluate WEIGHTS --snapshot DIR --store STORE --split test --out FILE`.

Writes each patient's discs, truth beside prediction, for the gate's statistics, and a summary.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import typer
from pydantic import ValidationError

from domain.errors import DiscLoopError
from domain.manifest import Study
from domain.taxonomy import Plane, Split
from ml_backend.crossvalidation import read_fold
from ml_backend.export_check import compare_export
from ml_backend.metrics import MATCHED, matched_boxes, summarise
from ml_backend.model import LoadedModel, load_model
from ml_backend.ordinal import median_grade
from ml_backend.proposer import level_of
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import LabelledSlice
from ml_backend.snapshot import SnapshotItem, labelled_slices, read_snapshot
from ml_backend.tables import NOT_EVALUABLE, tabulate

UNKNOWN_PLACE = {"site": "unknown", "scanner": "unknown"}


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
    """The model's readings of a split: `{"model", "split", "items", "serving", "summary", "tables"}`."""
    return Evaluated.of(weights, snapshot, store, split=split).report()


@dataclass(frozen=True)
class Evaluated:
    """A model, the slices of a split, and what it says of them."""

    model: LoadedModel
    exported: LoadedModel
    split: Split
    slices: list[LabelledSlice]
    readings: list[dict[str, Any]]
    zones: int
    """High-intensity zones that are labelled."""

    @classmethod
    def of(cls, weights: Path, snapshot: Path, store: Path, *, split: Split) -> Self:
        """Read the split's sagittal slices.

        Raises:
            DiscLoopError: Something cannot be read, or the split has no discs.
        """
        read = read_snapshot(snapshot).items
        items = [item for item in read if item.split is split and item.plane is Plane.SAGITTAL]
        slices = list(labelled_slices(items, store))
        if not slices:
            raise DiscLoopError(f"{snapshot}: no sagittal study with discs in the split {split.value}")
        model = load_model(weights, runtime=RuntimeName.EAGER)
        readings = read_slices(model, slices)
        known = {item.study: item for item in items}
        places = read_places(store)
        for reading in readings:
            reading |= places.get(reading["study"], UNKNOWN_PLACE)
            reading["levels"] = _levels(known[reading["study"]])
        zones = sum(len(item.hiz) for item in items)
        return cls(model, load_model(weights, threads=1), split, slices, readings, zones)

    def report(self) -> dict[str, Any]:
        """Everything as plain values, one item a study."""
        threshold = self.model.description.herniation_threshold
        by_study: dict[str, list[dict[str, Any]]] = {}
        for reading in self.readings:
            by_study.setdefault(reading["study"], []).append(reading)
        drawn = [(s.image, s.boxes) for s in self.slices if s.boxes is not None]
        return {
            "model": self.model.version,
            "split": self.split.value,
            "items": [describe_study(rows, threshold=threshold) for rows in by_study.values()],
            "serving": compare_export(self.model, self.exported, drawn),
            "summary": summarise(self.readings),
            "tables": tabulate(self.readings, threshold=threshold) | {"hiz": _zones(self.zones)},
        }


def read_slices(model: LoadedModel, slices: Sequence[LabelledSlice]) -> list[dict[str, Any]]:
    """End-to-end readings of labelled slices, in their order, with the slice's own boxes, name and study."""
    readings = read_fold(model, slices, {})
    for slice_, reading in zip(slices, readings, strict=True):
        reading["true_boxes"] = None if slice_.boxes is None else slice_.boxes.tolist()
        reading |= {"name": slice_.name, "study": slice_.name.rsplit("/", 1)[0]}
    return readings


def read_places(store: Path) -> dict[str, dict[str, str]]:
    """Site and scanner of each study, from the store's manifest; none where there is no manifest."""
    path = store / "manifest.jsonl"
    if not path.exists():
        return {}
    places = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            study = Study.model_validate_json(line)
        except ValidationError as error:
            raise DiscLoopError(f"{path}, line {number}: {error.errors()[0]['msg']}") from error
        scanner = next((s.scanner for s in study.series if s.plane is Plane.SAGITTAL), {})
        named = " ".join(str(scanner[key]) for key in ("manufacturer", "model") if scanner.get(key))
        places[study.study] = {"site": study.site, "scanner": named or "unknown"}
    return places


def describe_study(readings: Sequence[Mapping[str, Any]], *, threshold: float) -> dict[str, Any]:
    """A study's discs as the gate reads them, each from the slice that it was decided on.

    `missed` are discs found on none of its slices; `invented` the most on any one slice, for the same wrong
    box is found on neighbouring slices.
    """
    discs, lesions = [], {"true_positive": 0, "false_positive": 0, "false_negative": 0, "true_negative": 0}
    missed, invented = set(range(len(readings[0]["true_grades"]))), 0
    for reading in readings:
        pairs = {true: found for found, true in matched_boxes(reading, overlap=MATCHED)}
        missed -= set(pairs)
        invented = max(invented, len(reading["boxes"]) - len(pairs))
        for i, (truth, herniated) in enumerate(
            zip(reading["true_grades"], reading["true_herniated"], strict=True)
        ):
            if truth is not None:
                discs.append(_disc(i, truth, reading["probs"][pairs[i]] if i in pairs else None))
            if herniated is not None:
                said = i in pairs and reading["herniated"][pairs[i]] >= threshold
                lesions[_outcome(bool(herniated), said)] += 1
    return {
        "study": readings[0]["study"],
        "patient": readings[0]["patient"],
        "discs": sorted(discs, key=lambda disc: disc["index"]),
        "missed": len(missed),
        "invented": invented,
        "herniations": lesions,
    }


def write_report(report: Mapping[str, Any], out: Path) -> None:
    """Write JSON, whole or not at all."""
    write_whole(json.dumps(report, indent=1) + "\n", out)


def write_whole(text: str, out: Path) -> None:
    """Write a file, whole or not at all.

    Raises:
        DiscLoopError: It cannot be written; names the file.
    """
    partial = out.with_name(out.name + ".part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise DiscLoopError(f"{out}: cannot be written: {error.strerror}") from error


def _levels(item: SnapshotItem) -> list[str]:
    """Of the study's discs from the lowest up; by position where nobody named them."""
    discs = sorted(item.discs, key=lambda disc: -(disc.box[1] + disc.box[3]))
    named = [disc.level or level_of(i) for i, disc in enumerate(discs, start=1)]
    return [level.value if level else "unnamed" for level in named]


def _zones(labelled: int) -> dict[str, Any] | str:
    """The model proposes none, so that every labelled one is missed."""
    if not labelled:
        return NOT_EVALUABLE
    return {"lesions": labelled, "said": 0, "recall": 0.0, "precision": None, "f1": 0.0}


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
