"""`python -m ml_backend.bundle DATA --out DIR`: makes the bundled checkpoint, numbers first.

1. Nested cross-validation (`crossvalidation.py`), whose readings are the model card's numbers and what the
   calibration is fitted on. 2. The final detector, on all patients; the graders are those of all folds
   together. 3. The plausibility classifier. 4. The files.

Stages that are done are not done again, so a killed run goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import structlog
import torch
import typer

from domain.errors import DiscLoopError
from ml_backend.calibration import calibrate, cross_calibrated
from ml_backend.card import FILE as CARD_FILE
from ml_backend.card import write_card
from ml_backend.crossvalidation import (
    FOLDS,
    PublicData,
    Recipe,
    finished_networks,
    load_public,
    model_of,
    run_folds,
)
from ml_backend.detector.training import DetectorOptions
from ml_backend.grader.training import GraderOptions
from ml_backend.metrics import summarise
from ml_backend.model import LoadedModel
from ml_backend.plausibility import KINDS, Floats, PictureKind, Plausibility, fit_plausibility
from ml_backend.progress import INTERRUPTED, Interrupted
from ml_backend.samples import LabelledSlice, Origin
from ml_backend.strangers import Stranger, pictures_of_kinds
from ml_backend.weights import TENSORS, write_weights

TRAINED_ON = (
    "SPIDER training subset (van der Graaf et al. 2024, CC BY 4.0), disc volumes (Menezes-Reis et al. 2016), "
    "Lumbar Spine MRI Dataset for plausibility (Sudirman et al., CC BY 4.0)"
)
log = structlog.get_logger()


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the public data.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, readings and the weights.")],
    folds: Annotated[int, typer.Option(min=1, max=FOLDS, help="How many of the folds to run.")] = FOLDS,
    members: Annotated[int, typer.Option(min=1, max=8, help="Grading networks.")] = 3,
    detector_epochs: Annotated[int, typer.Option(min=1)] = 32,
    grader_epochs: Annotated[int, typer.Option(min=1)] = 30,
    final_epochs: Annotated[
        int, typer.Option(min=0, help="Of the first fold's detector with all patients; 0 takes it as it is.")
    ] = 8,
    threads: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Train, measure and write the bundled model."""
    torch.set_num_threads(threads)
    recipe = Recipe(
        out=out,
        detector=DetectorOptions(epochs=detector_epochs),
        grader=GraderOptions(epochs=grader_epochs),
        members=members,
    )
    try:
        make_bundle(load_public(data), data, recipe, folds=range(folds), final_epochs=final_epochs)
    except Interrupted as interrupted:
        raise typer.Exit(INTERRUPTED) from interrupted
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def make_bundle(
    data: PublicData, folder: Path, recipe: Recipe, *, folds: Sequence[int], final_epochs: int
) -> None:
    """Everything, in order; `recipe.out / "weights"` holds the result, `report.json` the numbers."""
    readings = run_folds(data, recipe, folds)
    report = {
        "all": summarise(cross_calibrated(list(readings.values()))),
        "raw": summarise([item for fold in readings.values() for item in fold]),
        "folds": {str(fold): summarise(items) for fold, items in readings.items()},
        "plausibility": measure_plausibility(data, folder, recipe, fold=folds[0]),
    }
    recipe.out.joinpath("report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    trained = [finished_networks(recipe.out / f"fold-{fold}") for fold in folds]
    tensors: dict[str, Any] = {
        "detector": recipe.finish_detector(data.outside(None), folds[0], epochs=final_epochs)
        if final_epochs
        else trained[0]["detector"],
        "graders": [grader for networks in trained for grader in networks["graders"]],
    }
    strangers = list(pictures_of_kinds(folder, data.graded, _masked(data)))
    fitted = fit_on(model_of(tensors, version="final"), strangers)
    tensors["plausibility"] = {name: torch.from_numpy(value) for name, value in asdict(fitted).items()}
    calibration = calibrate([item for fold in readings.values() for item in fold])
    description = {
        "version": "spider-",
        "graders": len(tensors["graders"]),
        "side": recipe.detector.side,
        "mirror": True,
        "trained_on": TRAINED_ON,
        **asdict(calibration),
    }
    weights = recipe.out / "weights"
    written = write_weights(weights, tensors, description)
    size = weights.joinpath(TENSORS).stat().st_size
    settings = (
        f"{len(folds)} folds, {recipe.members} graders each, {recipe.detector.epochs} and "
        f"{recipe.grader.epochs} epochs, {final_epochs} final"
    )
    card = write_card(written, report, size_bytes=size, settings=settings)
    weights.joinpath(CARD_FILE).write_text(card, encoding="utf-8")
    log.info("written", version=written.version, folder=str(recipe.out / "weights"))


def measure_plausibility(data: PublicData, folder: Path, recipe: Recipe, *, fold: int) -> dict[str, Any]:
    """How well kinds of pictures are told apart on the fold's patients, by the fold's own detector."""
    model = model_of(finished_networks(recipe.out / f"fold-{fold}"), version=f"fold-{fold}")
    strangers = list(pictures_of_kinds(folder, data.graded, _masked(data)))
    held = [s for i, s in enumerate(strangers) if data.folds.get(s.patient, i % FOLDS) == fold]
    learned = [s for i, s in enumerate(strangers) if data.folds.get(s.patient, i % FOLDS) != fold]
    fitted, embeddings = fit_on(model, learned), embed(model, held)
    found = [max(p, key=lambda kind: p[kind]) for p in map(fitted.probabilities, embeddings)]
    table = {
        kind.value: {
            said.value: sum(s.kind is kind and f is said for s, f in zip(held, found, strict=True))
            for said in KINDS
        }
        for kind in KINDS
    }
    return {"pictures": len(held), "true_by_said": table}


def fit_on(model: LoadedModel, strangers: Sequence[Stranger]) -> Plausibility:
    """The classifier of pictures by the model's embeddings."""
    kinds = np.array([KINDS.index(PictureKind(s.kind)) for s in strangers], np.int64)
    return fit_plausibility(embed(model, strangers), kinds)


def embed(model: LoadedModel, strangers: Sequence[Stranger]) -> Floats:
    """(pictures, channels)."""
    return np.stack([found.embedding for found in model.find([s.image for s in strangers])])


def _masked(data: PublicData) -> list[LabelledSlice]:
    return [s for s in data.boxed_only if s.origin is Origin.MASK]


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    typer.run(main)
