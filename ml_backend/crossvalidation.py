"""Nested cross-validation on the public data: all numbers come from patients that no part was trained on.

Per fold of patients: a detector is trained on the other folds, its own boxes stand in for the unboxed
patients of the other folds, graders are trained on those, and the fold's patients are read from end to end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ml_backend import spider
from ml_backend.detector.inference import TorchDetector, find_column
from ml_backend.detector.network import build_detector
from ml_backend.detector.training import DetectorOptions, train_detector
from ml_backend.folds import assign_folds
from ml_backend.grader.training import GraderOptions, disc_samples, train_grader
from ml_backend.model import LoadedModel, build_model
from ml_backend.progress import Progress, load_checkpoint
from ml_backend.samples import BoxArray, LabelledSlice, Origin
from ml_backend.weights import ModelDescription

State = dict[str, Tensor]
FOLDS, FOLD_SEED = 3, 7


@dataclass(frozen=True)
class PublicData:
    """The public training data and each patient's fold."""

    graded: list[LabelledSlice]
    """Middle T2 slices, one a patient; some without boxes."""
    boxed_only: list[LabelledSlice]
    """For the detector alone."""
    folds: Mapping[str, int]

    def outside(self, fold: int | None) -> list[LabelledSlice]:
        """All slices of the patients that are not in the fold; all slices for None."""
        miscounted = {s.patient for s in self.boxed_only if s.name.startswith("boxes/")}
        chosen = [s for s in self.graded + self.boxed_only if fold is None or self.folds[s.patient] != fold]
        return [s for s in chosen if s.boxes is not None or s.patient not in miscounted]

    def drawn(self) -> dict[str, BoxArray]:
        """Drawn boxes of each patient that has any, lowest first, whether or not as many as graded discs."""
        both = [*self.graded, *self.boxed_only]
        return {s.patient: s.boxes for s in both if s.origin is Origin.DRAWN and s.boxes is not None}

    def inside(self, fold: int) -> list[LabelledSlice]:
        """Graded slices of the fold's patients."""
        return [s for s in self.graded if self.folds[s.patient] == fold]


def load_public(folder: Path) -> PublicData:
    """Read the data and deal the patients into folds, boxed and unboxed ones evenly."""
    graded = spider.load_graded(folder)
    boxed = spider.load_miscounted(folder) + spider.load_masked(folder) + spider.load_volumes(folder)
    drawn = {s.patient for s in graded + boxed if s.origin is Origin.DRAWN}
    strata = {s.patient: "drawn" if s.patient in drawn else "unboxed" for s in graded + boxed}
    return PublicData(graded, boxed, assign_folds(strata, FOLDS, seed=FOLD_SEED))


@dataclass(frozen=True)
class Recipe:
    """What is trained, and where its checkpoints lie. Stages that are done are taken from there."""

    out: Path
    detector: DetectorOptions
    grader: GraderOptions
    members: int

    def train_fold(self, slices: Sequence[LabelledSlice], name: str) -> dict[str, Any]:
        """A detector and its graders on the slices: tensors as `build_model` takes them."""
        folder = self.out / name
        progress = Progress(folder / "progress.jsonl")
        with progress.stop_on_terminate():
            detector = train_detector(
                slices, self.detector, checkpoint=folder / "detector.pt", progress=progress
            )
            graded = [s for s in slices if not _ungraded(s)]
            samples = disc_samples(box_unboxed(detector, graded, self.detector.side))
            graders = [
                train_grader(
                    samples,
                    replace(self.grader, seed=seed),
                    checkpoint=folder / f"grader-{seed}.pt",
                    progress=progress,
                    detector=detector,
                )
                for seed in range(self.members)
            ]
        return {"detector": detector, "graders": graders}

    def finish_detector(self, slices: Sequence[LabelledSlice], fold: int, *, epochs: int) -> State:
        """A fold's detector trained on for some epochs with all patients."""
        folder = self.out / "final"
        progress = Progress(folder / "progress.jsonl")
        with progress.stop_on_terminate():
            return train_detector(
                slices,
                self._again(epochs),
                checkpoint=folder / "detector.pt",
                progress=progress,
                initial=finished_networks(self.out / f"fold-{fold}")["detector"],
            )

    def _again(self, epochs: int) -> DetectorOptions:
        """For a detector that has been trained on some of the patients: fewer epochs, smaller steps."""
        return replace(self.detector, epochs=epochs, self_train_at=0.0, rate=self.detector.rate / 2)


def box_unboxed(detector: State, slices: Sequence[LabelledSlice], side: int) -> list[LabelledSlice]:
    """Give unboxed slices the detector's boxes where it finds the known number of discs; drop the others."""
    network = build_detector()
    network.load_state_dict(detector)
    runtime, boxed = TorchDetector(network), []
    for item in slices:
        if item.boxes is not None:
            boxed.append(item)
            continue
        column = find_column(runtime, item.image, side=side).column
        if item.count <= column.count <= item.count + 1:
            boxed.append(item.with_boxes(column.boxes[: item.count], Origin.PSEUDO))
    return boxed


def model_of(tensors: dict[str, Any], *, version: str, mirror: bool = False, side: int = 384) -> LoadedModel:
    """An uncalibrated model of freshly trained tensors."""
    description = ModelDescription(
        version=version, sha256="0" * 64, side=side, graders=len(tensors["graders"]), mirror=mirror
    )
    return build_model(description, tensors)


def read_fold(
    model: LoadedModel, slices: Sequence[LabelledSlice], drawn: Mapping[str, BoxArray]
) -> list[dict[str, Any]]:
    """What the model says of patients it has never seen, beside the truth; plain values, one item each."""
    items = []
    for item, found in zip(slices, model.find([s.image for s in slices]), strict=True):
        graded = model.grade(item.image, found.column.boxes)
        items.append(
            {
                "patient": item.patient,
                "boxes": np.round(found.column.boxes, 2).tolist(),
                "scores": np.round(found.column.scores, 4).tolist(),
                "doubt": found.column.doubt,
                "probs": np.round(graded.grades, 5).tolist(),
                "herniated": np.round(graded.herniated, 5).tolist(),
                "true_boxes": np.round(drawn[item.patient], 2).tolist() if item.patient in drawn else None,
                "true_grades": [int(np.argmax(g)) + 1 if np.isfinite(g).all() else None for g in item.grades],
                "true_herniated": [None if np.isnan(h) else int(h) for h in item.herniated],
            }
        )
    return items


def run_folds(data: PublicData, recipe: Recipe, folds: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Train and read each fold; results are kept in `fold-N/readings.json`."""
    readings = {}
    for fold in folds:
        path = recipe.out / f"fold-{fold}" / "readings.json"
        if not path.exists():
            tensors = recipe.train_fold(data.outside(fold), f"fold-{fold}")
            model = model_of(tensors, version=f"fold-{fold}", mirror=True)
            path.write_text(json.dumps(read_fold(model, data.inside(fold), data.drawn())), encoding="utf-8")
        readings[fold] = json.loads(path.read_text(encoding="utf-8"))
    return readings


def finished_networks(folder: Path) -> dict[str, Any]:
    """The averaged networks of a finished fold, from their checkpoints."""
    graders = sorted(folder.glob("grader-*.pt"))
    return {
        "detector": load_checkpoint(folder / "detector.pt")["average"],
        "graders": [load_checkpoint(path)["average"] for path in graders],
    }


def _ungraded(item: LabelledSlice) -> bool:
    return bool(np.isnan(item.grades).all() and np.isnan(item.herniated).all())
