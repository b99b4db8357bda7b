"""`python -m ml_backend.reference.ablation DATA OUT`: the effect of each of the paper's changes.

Every variant is trained from scratch on the same public patients and read on the same others, those of one
fold; augmentation is the paper's, Gaussian noise and gamma. Needs patients whose boxes are as many as the
discs that were graded. The rows of `OUT` are those of `discloop evaluate`, so that they can be set beside it.
A run that was killed goes on where it was: after the variants that `OUT` has, and the last whole epoch of the
checkpoint beside it; progress lines lie there too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import typer
from torch import Tensor
from ultralytics.utils.nms import non_max_suppression

from domain.errors import DiscLoopError
from ml_backend.crossvalidation import load_public
from ml_backend.evaluate import UNKNOWN_PLACE, write_report
from ml_backend.ordinal import smooth_targets
from ml_backend.progress import INTERRUPTED, Interrupted, Progress, load_checkpoint, save_checkpoint
from ml_backend.reference.network import Changes, ReferenceModel
from ml_backend.samples import LabelledSlice
from ml_backend.tables import tabulate

NOISE, GAMMA = 0.02, (0.7, 1.4)
SURE, SAME = 0.25, 0.5
"""Score from which a box is kept; overlap from which two are one."""
FIGURES = ("kappa_linear", "kappa_quadratic", "within_one")


@dataclass(frozen=True)
class Options:
    """How every variant is trained."""

    epochs: int = 60
    side: int = 384
    batch: int = 4
    """Small: the few patients then give more steps an epoch."""
    rate: float = 1.25e-3
    seed: int = 0
    augment: bool = True


def variants(options: Options) -> dict[str, tuple[Changes, Options]]:
    """All changes, each one left out, and none."""
    plain = Changes(attention=False, residual=False, distance_iou=False, balance=False)
    return {
        "all": (Changes(), options),
        "without attention": (Changes(attention=False), options),
        "without residual": (Changes(residual=False), options),
        "without distance-IoU": (Changes(distance_iou=False), options),
        "without balance": (Changes(balance=False), options),
        "without augmentation": (Changes(), replace(options, augment=False)),
        "none": (plain, replace(options, augment=False)),
    }


def train(
    slices: Sequence[LabelledSlice],
    changes: Changes,
    options: Options,
    *,
    name: str,
    checkpoint: Path,
    progress: Progress,
) -> ReferenceModel:
    """A network trained from scratch, or on from the checkpoint; the same seed gives the same one.

    Raises:
        Interrupted: After a checkpoint, if the run was asked to stop.
    """
    torch.manual_seed(options.seed)
    network = ReferenceModel(changes).train()
    steps = max(1, len(slices) // options.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.rate, total_steps=options.epochs * steps + 1
    )
    parts: dict[str, Any] = {"network": network, "optimiser": optimiser, "schedule": schedule}
    begun = 0
    if checkpoint.exists():
        state = load_checkpoint(checkpoint)
        begun = state["epoch"]
        for part, thing in parts.items():
            thing.load_state_dict(state[part])
    progress.start()
    for epoch in range(begun, options.epochs):
        loss = _train_epoch(network, slices, options, epoch, optimiser, schedule)
        state = {part: thing.state_dict() for part, thing in parts.items()}
        save_checkpoint(state | {"epoch": epoch + 1}, checkpoint)
        progress.report(name, epoch + 1, options.epochs, loss)
        progress.check()
    return network.eval()


def read(network: ReferenceModel, slices: Sequence[LabelledSlice], side: int) -> list[dict[str, Any]]:
    """What a network says of slices, as `evaluate.read_slices` describes it."""
    return [_reading(network, item, side) for item in slices]


def _train_epoch(
    network: ReferenceModel,
    slices: Sequence[LabelledSlice],
    options: Options,
    epoch: int,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.OneCycleLR,
) -> float:
    """One epoch, its mean loss; what is seen depends on the seed and the epoch only."""
    generator = np.random.default_rng((options.seed, epoch))
    order, total = generator.permutation(len(slices)), 0.0
    steps = max(1, len(slices) // options.batch)
    for step in range(steps):
        chosen = [slices[int(i)] for i in order[step * options.batch : (step + 1) * options.batch]]
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(_batch(chosen, options, generator))[0].sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        schedule.step()
        total += float(loss.detach()) / len(chosen)
    return total / steps


def _batch(
    chosen: Sequence[LabelledSlice], options: Options, generator: np.random.Generator
) -> dict[str, Tensor]:
    pictures, owners, grades, boxes = [], [], [], []
    for number, item in enumerate(chosen):
        picture, scale = _framed(item, options.side)
        if options.augment:
            picture = picture ** generator.uniform(*GAMMA) + generator.normal(0, NOISE, picture.shape)
        pictures.append(np.clip(picture, 0, 1).astype(np.float32))
        assert item.boxes is not None
        known = np.isfinite(item.grades).all(axis=1)
        x1, y1, x2, y2 = (item.boxes[known] * scale / options.side).T
        boxes.append(np.stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), axis=1))
        grades += item.grades[known].argmax(axis=1).tolist()
        owners += [number] * int(known.sum())
    return {
        "img": torch.from_numpy(np.stack(pictures)[:, None]),
        "batch_idx": torch.tensor(owners, dtype=torch.float32),
        "cls": torch.tensor(grades, dtype=torch.float32)[:, None],
        "bboxes": torch.from_numpy(np.concatenate(boxes).astype(np.float32)),
    }


def _framed(item: LabelledSlice, side: int) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """The slice in the upper left of a square, 0 to 1, and its scale."""
    height, width = item.image.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.zeros((side, side))
    square[: size[1], : size[0]] = cv2.resize(item.image, size, interpolation=cv2.INTER_AREA) / 255
    return square, scale


def _reading(network: ReferenceModel, item: LabelledSlice, side: int) -> dict[str, Any]:
    picture, scale = _framed(item, side)
    with torch.no_grad():
        answer = network(torch.from_numpy(picture.astype(np.float32))[None, None])[0]
    kept = non_max_suppression(answer, SURE, SAME, agnostic=True, nc=5)[0].numpy()
    kept = kept[np.argsort(-(kept[:, 1] + kept[:, 3]), kind="stable")]
    said = np.eye(5, dtype=np.float32)[kept[:, 5].astype(int)]
    assert item.boxes is not None
    return {
        "patient": item.patient,
        "study": item.patient,
        "name": item.name,
        **UNKNOWN_PLACE,
        "levels": ["any"] * item.count,
        "boxes": (kept[:, :4] / scale).tolist(),
        "scores": kept[:, 4].tolist(),
        "probs": smooth_targets(said).tolist(),
        "herniated": [0.0] * len(kept),
        "true_boxes": item.boxes.tolist(),
        "true_grades": [int(g.argmax()) + 1 if np.isfinite(g).all() else None for g in item.grades],
        "true_herniated": [None] * item.count,
    }


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the public data.", exists=True)],
    out: Annotated[Path, typer.Argument(help="JSON file to write.")],
    epochs: Annotated[int, typer.Option(min=1)] = 60,
    side: Annotated[int, typer.Option(min=64, help="A multiple of 32.")] = 384,
    fold: Annotated[int, typer.Option(min=0, max=2, help="Whose patients are read.")] = 0,
    most: Annotated[int, typer.Option(min=16, help="At most so many patients to train on.")] = 1000,
) -> None:
    """Train and read every variant."""
    public = load_public(data)
    boxed = [s for s in public.graded if s.boxes is not None]
    inside = [s for s in boxed if public.folds[s.patient] == fold]
    outside = [s for s in boxed if public.folds[s.patient] != fold][:most]
    about = {"epochs": epochs, "side": side, "fold": fold, "trained_on": len(outside), "read_on": len(inside)}
    planned = variants(Options(epochs=epochs, side=side))
    progress = Progress(out.with_suffix(".progress.jsonl"), plan=dict.fromkeys(planned, epochs))
    try:
        rows = _finished(out, about)
        with progress.stop_on_terminate():
            for name in [name for name in planned if name not in rows]:
                changes, options = planned[name]
                kept = out.with_suffix(f".{name.replace(' ', '-')}.pt")
                network = train(outside, changes, options, name=name, checkpoint=kept, progress=progress)
                rows[name] = _row(read(network, inside, side))
                write_report(about | {"variants": rows}, out)
                typer.echo(f"{name}: linear kappa {rows[name]['kappa_linear']}", err=True)
    except Interrupted as error:
        raise typer.Exit(INTERRUPTED) from error
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _finished(out: Path, about: dict[str, int]) -> dict[str, Any]:
    """The rows of an earlier run of the same kind, by variant."""
    if not out.exists():
        return {}
    found = json.loads(out.read_text(encoding="utf-8"))
    rows: dict[str, Any] = found.pop("variants")
    if found != about:
        raise DiscLoopError(f"{out}: made with {found}, not with {about}; name another file")
    return rows


def _row(readings: list[dict[str, Any]]) -> dict[str, Any]:
    tables = tabulate(readings, threshold=0.5)
    disc, slice_ = tables["per_disc"], tables["per_slice"]
    counts = {name: disc[name] for name in (*FIGURES, "missed", "invented", "discs")}
    return {**counts, **slice_["average_precision"]}


if __name__ == "__main__":
    typer.run(main)
