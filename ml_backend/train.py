"""`python -m ml_backend.train SNAPSHOT --store STORE --out OUT --from WEIGHTS`: one retraining round.

Starts from a model and fits detector and graders to the snapshot's training patients; the validation patients
calibrate. Writes `progress.jsonl` and checkpoints to OUT, and at the end `OUT/weights`. A killed run goes on
with `--resume`; one that is asked to stop (SIGTERM) finishes its epoch, writes a checkpoint and exits 75.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import structlog
import torch
import typer

from domain.errors import DiscLoopError
from domain.taxonomy import Split
from ml_backend.calibration import Calibration, calibrate
from ml_backend.crossvalidation import model_of, read_fold
from ml_backend.detector.training import DetectorOptions, train_detector
from ml_backend.grader.training import GraderOptions, disc_samples, train_grader
from ml_backend.progress import INTERRUPTED, Interrupted, Progress
from ml_backend.samples import LabelledSlice
from ml_backend.snapshot import Snapshot, labelled_slices, read_snapshot
from ml_backend.weights import BUNDLED, ModelDescription, read_weights, write_weights

RUN = "run.json"
ENOUGH = 60
"""Graded validation discs from which a new calibration is better than the old one."""
VIEWS_A_SLICE = 4
log = structlog.get_logger()


def main(
    snapshot: Annotated[Path, typer.Argument(help="Folder with snapshot.json.")],
    store: Annotated[Path, typer.Option(help="The store that the snapshot's slices lie in.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for progress, checkpoints and weights.")],
    start: Annotated[Path, typer.Option("--from", help="Folder of the model to start from.")] = BUNDLED,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of the detector and of each grader.")] = 8,
    seed: Annotated[int | None, typer.Option(help="Instead of the snapshot's own.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in OUT.")] = False,
) -> None:
    """Train a model on a snapshot."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if threads:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(device == "cpu")
    try:
        read = read_snapshot(snapshot)
        used = read.seed if seed is None else seed
        weights = train_snapshot(
            read, store, out, start=start, epochs=epochs, seed=used, device=device, resume=resume
        )
    except Interrupted as interrupted:
        typer.echo("stopped as asked; go on with --resume", err=True)
        raise typer.Exit(INTERRUPTED) from interrupted
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    log.info("trained", version=weights.version)


def train_snapshot(
    snapshot: Snapshot,
    store: Path,
    out: Path,
    *,
    start: Path,
    epochs: int,
    seed: int,
    device: str = "cpu",
    resume: bool = False,
) -> ModelDescription:
    """Train, calibrate and write `out/weights`.

    Raises:
        DiscLoopError: The snapshot has nothing to train on, or `out` holds another run.
        Interrupted: Asked to stop; a checkpoint is written.
    """
    description, tensors = read_weights(start)
    run = {"snapshot": snapshot.sha256, "from": description.sha256, "epochs": epochs, "seed": seed}
    _claim(out, run, resume=resume)
    train = list(labelled_slices([i for i in snapshot.items if i.split is Split.TRAIN], store))
    val = list(labelled_slices([i for i in snapshot.items if i.split is Split.VAL], store))
    if not train:
        raise DiscLoopError("the snapshot has no sagittal study with discs in the split train")
    trained = _fit(train, tensors, out, epochs=epochs, seed=seed, device=device, side=description.side)
    calibration = _calibration(trained, val, description)
    fields = description.model_dump() | asdict(calibration) | {"version": f"round-{seed}-"}
    fields["trained_on"] = (
        f"{len({s.patient for s in train})} patients of a round, from {description.version}"
    )
    return write_weights(out / "weights", trained | _kept(tensors), fields)


def _fit(
    train: Sequence[LabelledSlice],
    tensors: dict[str, Any],
    out: Path,
    *,
    epochs: int,
    seed: int,
    device: str,
    side: int,
) -> dict[str, Any]:
    """Detector with its backbone kept, so that embeddings and plausibility stay valid, then the graders."""
    members = len(tensors["graders"])
    samples = disc_samples(train)
    plan = {"detector": epochs} | ({f"grader-{seed + m}": epochs for m in range(members)} if samples else {})
    progress = Progress(out / "progress.jsonl", plan=plan)
    options = DetectorOptions(
        epochs=epochs,
        views=max(16, min(416, VIEWS_A_SLICE * len(train))),
        side=side,
        rate=4e-4,
        keep_backbone=True,
        self_train_at=1.0,
        seed=seed,
        device=device,
    )
    with progress.stop_on_terminate():
        detector = train_detector(
            train, options, checkpoint=out / "detector.pt", progress=progress, initial=tensors["detector"]
        )
        graders = [
            train_grader(
                samples,
                GraderOptions(epochs=epochs, seed=seed + m, rate=4e-4, device=device),
                checkpoint=out / f"grader-{m}.pt",
                progress=progress,
                initial=state,
            )
            if samples
            else state
            for m, state in enumerate(tensors["graders"])
        ]
    return {"detector": detector, "graders": graders}


def _calibration(
    trained: dict[str, Any], val: Sequence[LabelledSlice], before: ModelDescription
) -> Calibration:
    """Fitted on the validation patients if they have enough discs, else the old one."""
    old = Calibration(
        before.temperature, before.herniation_slope, before.herniation_intercept, before.herniation_threshold
    )
    items = read_fold(model_of(trained, version="val", mirror=before.mirror, side=before.side), val, {})
    graded = sum(grade is not None for item in items for grade in item["true_grades"])
    return calibrate(items) if graded >= ENOUGH else old


def _claim(out: Path, run: dict[str, Any], *, resume: bool) -> None:
    """Refuse to mix two runs in one folder."""
    path = out / RUN
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if not resume:
            raise DiscLoopError(f"{out} holds a run already: go on with --resume, or name another folder")
        if before != run:
            differing = [key for key in run if before.get(key) != run[key]]
            raise DiscLoopError(f"{path}: the run to resume had another {', '.join(differing)}")
        return
    out.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(run), encoding="utf-8")
    partial.replace(path)


def _kept(tensors: dict[str, Any]) -> dict[str, Any]:
    return {"plausibility": tensors["plausibility"]} if tensors.get("plausibility") else {}


if __name__ == "__main__":
    typer.run(main)
