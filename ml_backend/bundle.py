"""`python -m ml_backend.bundle DATA --out DIR`: makes the bundled checkpoint, numbers first.

1. Nested cross-validation (`crossvalidation.py`), whose readings are the model card's numbers and what the
   calibration is fitted on. 2. The final detector, on all patients; the graders are those of all folds
   together. 3. The plausibility classifier. 4. The files.

Stages that are done are not done again, so a killed run goes on where it stopped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
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
from ml_backend.plausibility import KINDS, Floats, fit_plausibility
from ml_backend.progress import INTERRUPTED, Interrupted
from ml_backend.samples import LabelledSlice, Origin
from ml_backend.strangers import Stranger, pictures_of_kinds, pictures_of_phantoms
from ml_backend.weights import TENSORS, write_weights

TRAINED_ON = (
    "SPIDER training subset (van der Graaf et al. 2024, CC BY 4.0), disc volumes (Menezes-Reis et al. 2016), "
    "Lumbar Spine MRI Dataset for plausibility (Sudirman et al., CC BY 4.0)"
)
log = structlog.get_logger()


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the public data.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, readings and the weights.")],
    fold: Annotated[
        list[int], typer.Option(min=0, max=FOLDS - 1, help="A fold to run; may be given again.")
    ] = list(range(FOLDS)),  # noqa: B006 (read only)
    members: Annotated[int, typer.Option(min=1, max=8, help="Grading networks.")] = 3,
    detector_epochs: Annotated[int, typer.Option(min=1)] = 32,
    grader_epochs: Annotated[int, typer.Option(min=1)] = 30,
    final_epochs: Annotated[
        int, typer.Option(min=0, help="Of the first fold's detector with all patients; 0 takes it as it is.")
    ] = 8,
    phantoms: Annotated[
        Path | None,
        typer.Option(help="Store of phantoms, for the classifier of pictures.", exists=True, file_okay=False),
    ] = None,
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
        public = load_public(data)
        chosen = sorted(set(fold))
        make_bundle(public, data, recipe, folds=chosen, final_epochs=final_epochs, phantoms=phantoms)
    except Interrupted as interrupted:
        raise typer.Exit(INTERRUPTED) from interrupted
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def make_bundle(
    data: PublicData,
    folder: Path,
    recipe: Recipe,
    *,
    folds: Sequence[int],
    final_epochs: int,
    phantoms: Path | None = None,
) -> None:
    """Everything, in order; `recipe.out / "weights"` holds the result, `report.json` the numbers."""
    readings = run_folds(data, recipe, folds)
    groups = list(readings.values())
    halves = groups if len(groups) > 1 else [groups[0][::2], groups[0][1::2]]
    trained = [finished_networks(recipe.out / f"fold-{fold}") for fold in folds]
    strangers = list(pictures_of_kinds(folder, data.graded, _masked(data)))
    if phantoms is not None:
        strangers += pictures_of_phantoms(phantoms)
    embeddings = _kept(
        recipe.out / "embeddings.npy", lambda: embed(model_of(trained[0], version="first"), strangers)
    )
    report = {
        "all": summarise(cross_calibrated(halves)),
        "folds": {str(fold): summarise(items, resamples=0) for fold, items in readings.items()},
        "plausibility": measure_plausibility(data, strangers, embeddings, fold=folds[0]),
    }
    recipe.out.joinpath("report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    tensors: dict[str, Any] = {
        "detector": trained[0]["detector"],
        "graders": [grader for networks in trained for grader in networks["graders"]],
    }
    if final_epochs:
        tensors["detector"] = recipe.finish_detector(data.outside(None), folds[0], epochs=final_epochs)
        embeddings = embed(model_of(tensors, version="final"), strangers)
    fitted = fit_plausibility(embeddings, kinds_of(strangers))
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
        f"folds: {', '.join(map(str, folds))}, graders of each: {recipe.members}, "
        f"epochs: {recipe.detector.epochs} and {recipe.grader.epochs}, final: {final_epochs}"
    )
    card = write_card(written, report, size_bytes=size, settings=settings, final=bool(final_epochs))
    weights.joinpath(CARD_FILE).write_text(card, encoding="utf-8")
    log.info("written", version=written.version, folder=str(recipe.out / "weights"))


def measure_plausibility(
    data: PublicData, strangers: Sequence[Stranger], embeddings: Floats, *, fold: int
) -> dict[str, Any]:
    """How well kinds of pictures are told apart on the fold's patients, by the fold's own detector."""
    held = np.array([data.folds.get(s.patient, i % FOLDS) == fold for i, s in enumerate(strangers)])
    synthetic = np.array([s.patient.startswith("phantom-") for s in strangers])
    held &= ~synthetic  # the figure is of real pictures; all phantoms are learned from
    kinds = kinds_of(strangers)
    fitted = fit_plausibility(embeddings[~held], kinds[~held])
    found = [max(p, key=lambda kind: p[kind]) for p in map(fitted.probabilities, embeddings[held])]
    true = [KINDS[k] for k in kinds[held]]
    table = {
        kind.value: {
            said.value: sum(t is kind and f is said for t, f in zip(true, found, strict=True))
            for said in KINDS
        }
        for kind in KINDS
    }
    return {"pictures": len(found), "true_by_said": table}


def kinds_of(strangers: Sequence[Stranger]) -> npt.NDArray[np.int64]:
    """The pictures' kinds as indices into `KINDS`."""
    return np.array([KINDS.index(s.kind) for s in strangers], np.int64)


def embed(model: LoadedModel, strangers: Sequence[Stranger]) -> Floats:
    """(pictures, channels)."""
    return np.stack([found.embedding for found in model.find([s.image for s in strangers])])


def _kept(path: Path, compute: Callable[[], Floats]) -> Floats:
    """The array of a file, computed and written if it is not there yet."""
    if path.exists():
        return np.asarray(np.load(path), np.float32)
    array = compute()
    with path.with_suffix(".part").open("wb") as file:
        np.save(file, array)
    path.with_suffix(".part").replace(path)
    return array


def _masked(data: PublicData) -> list[LabelledSlice]:
    return [s for s in data.boxed_only if s.origin is Origin.MASK]


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    typer.run(main)
