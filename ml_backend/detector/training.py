"""Trains the detector: from scratch, on few slices, with its own labels for unboxed patients half-way.

Half-way through, the averaged network looks at the unboxed slices. Where it finds as many discs as the
patient is known to have, its boxes become labels for the second half (self-training; Lee 2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import ModelEMA

from domain.errors import DiscLoopError
from ml_backend.detector.augment import random_view
from ml_backend.detector.inference import TorchDetector, find_column
from ml_backend.detector.network import DISC_ARCHITECTURE, backbone_of, build_detector
from ml_backend.progress import Progress, load_checkpoint, save_checkpoint
from ml_backend.samples import BoxArray, LabelledSlice, Origin
from ml_backend.tone import FloatImage, common_tone

SHARES = {
    Origin.SNAPSHOT: 0.5,
    Origin.DRAWN: 0.42,
    Origin.PSEUDO: 0.28,
    Origin.MASK: 0.25,
    Origin.VOLUME: 0.05,
}
"""Share of an epoch's views by where the boxes came from; absent origins leave their share to the others."""
KEPT_SIDE = 480
PSEUDO_SURE = 0.4
"""A pseudo-label is kept only where the weakest disc's score is at least this."""


@dataclass(frozen=True)
class DetectorOptions:
    """How to train; the defaults made the bundled checkpoint."""

    epochs: int = 40
    views: int = 416
    """Views an epoch."""
    batch: int = 16
    side: int = 384
    rate: float = 2.5e-3
    decay: float = 0.02
    keep_backbone: bool = False
    """Leave the backbone as it is, so that embeddings stay comparable with the model it started from."""
    self_train_at: float = 0.55
    """Share of the epochs after which unboxed slices get their labels; 1 turns it off."""
    seed: int = 0
    device: str = "cpu"
    architecture: Path = DISC_ARCHITECTURE
    mixed_precision: bool = True


@dataclass(frozen=True)
class Prepared:
    """A slice with its tone settled, kept in memory."""

    picture: FloatImage
    boxes: BoxArray
    origin: Origin


def train_detector(
    slices: Sequence[LabelledSlice],
    options: DetectorOptions,
    *,
    checkpoint: Path,
    progress: Progress,
    initial: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Train and return the averaged network's state dict; goes on from `checkpoint` if it exists.

    Args:
        slices: Boxed slices, and unboxed ones with a known count for self-training.
        options: How.
        checkpoint: Written after every epoch.
        progress: Told after every epoch.
        initial: State dict to start from instead of a random one.

    Raises:
        DiscLoopError: If no slice has boxes.
        Interrupted: After a checkpoint, if the run was asked to stop.
    """
    prepared = [_prepare(s, s.boxes) for s in slices if s.boxes is not None and len(s.boxes)]
    unboxed = [s for s in slices if s.boxes is None]
    if not prepared:
        raise DiscLoopError("expected slices with disc boxes to train the detector on, got none")
    torch.manual_seed(options.seed)
    network = build_detector(options.architecture)
    if initial is not None:
        network.load_state_dict(initial)
    network.to(options.device)
    if options.keep_backbone:
        backbone_of(network).requires_grad_(False)
    run = _Run(network, options)
    if checkpoint.exists():
        run.restore(load_checkpoint(checkpoint))
    switch = round(options.epochs * options.self_train_at)
    progress.start()
    while run.epoch < options.epochs:
        if unboxed and run.epoch == switch:
            run.pseudo = label_unboxed(run.averaged(), unboxed, options.side)
        found = [_prepare(s, run.pseudo[s.name], Origin.PSEUDO) for s in unboxed if s.name in run.pseudo]
        loss = run.train_epoch(prepared + found)
        save_checkpoint(run.state(), checkpoint)
        progress.report("detector", run.epoch, options.epochs, loss)
        progress.check()
    return run.averaged().state_dict()


def label_unboxed(
    network: DetectionModel, unboxed: Sequence[LabelledSlice], side: int
) -> dict[str, BoxArray]:
    """The boxes on those unboxed slices on which the network finds the known number of discs, by name.

    One more than known is taken too if it is the uppermost: data sets differ on a disc cut by the border.
    """
    detector, found = TorchDetector(network), {}
    for item in unboxed:
        column = find_column(detector, item.image, side=side).column
        sure = column.count and column.scores[: item.count].min() >= PSEUDO_SURE
        if sure and item.count <= column.count <= item.count + 1:
            found[item.name] = column.boxes
    return found


class _Run:
    """The moving parts of one training run."""

    def __init__(self, network: DetectionModel, options: DetectorOptions) -> None:
        self.network, self.options, self.epoch = network, options, 0
        self.pseudo: dict[str, BoxArray] = {}
        self.steps = max(1, options.views // options.batch)
        free = [p for p in network.parameters() if p.requires_grad]
        decayed, plain = [p for p in free if p.ndim > 1], [p for p in free if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": options.decay}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=options.rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, options.rate, total_steps=options.epochs * self.steps + 1, pct_start=0.12
        )
        self.average = ModelEMA(network, decay=0.998, tau=150)

    def train_epoch(self, prepared: list[Prepared]) -> float:
        """One epoch; its views depend on the seed and the epoch only, so a resumed run sees the same."""
        generator = np.random.default_rng((self.options.seed, self.epoch))
        weights = _sampling_weights(prepared)
        self.network.train()
        if self.options.keep_backbone:
            backbone_of(self.network).eval()
        total = 0.0
        for _ in range(self.steps):
            chosen = generator.choice(len(prepared), self.options.batch, p=weights)
            batch = _batch([prepared[int(i)] for i in chosen], self.options, generator)
            total += self._step(batch)
        self.epoch += 1
        return total / self.steps

    def _step(self, batch: dict[str, Tensor]) -> float:
        kind = torch.device(self.options.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.options.mixed_precision):
            parts, _ = self.network.loss(batch)
        loss = parts.sum()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update(self.network)
        return float(loss.detach()) / self.options.batch

    def averaged(self) -> DetectionModel:
        """The exponentially averaged network, for inference."""
        network = self.average.ema.eval()
        assert isinstance(network, DetectionModel)
        return network

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on as if nothing had happened."""
        return {
            "epoch": self.epoch,
            "pseudo": {name: torch.from_numpy(boxes) for name, boxes in self.pseudo.items()},
            "network": self.network.state_dict(),
            "average": self.average.ema.state_dict(),
            "updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.epoch, self.average.updates = state["epoch"], state["updates"]
        self.pseudo = {name: boxes.numpy() for name, boxes in state["pseudo"].items()}
        self.network.load_state_dict(state["network"])
        self.average.ema.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


def _prepare(item: LabelledSlice, boxes: BoxArray | None, origin: Origin | None = None) -> Prepared:
    """Shrink large slices first: the warp of `random_view` samples without smoothing."""
    assert boxes is not None
    height, width = item.image.shape
    scale = min(1.0, KEPT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = np.asarray(cv2.resize(item.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    factors = np.array([size[0] / width, size[1] / height] * 2, np.float32)
    return Prepared(common_tone(image), boxes * factors, origin or item.origin)


def _sampling_weights(prepared: list[Prepared]) -> np.ndarray[Any, np.dtype[np.float64]]:
    counts = {origin: sum(p.origin is origin for p in prepared) for origin in SHARES}
    weights = np.array([SHARES[p.origin] / counts[p.origin] for p in prepared])
    return np.asarray(weights / weights.sum(), np.float64)


def _batch(
    chosen: list[Prepared], options: DetectorOptions, generator: np.random.Generator
) -> dict[str, Tensor]:
    views = [random_view(item.picture, item.boxes, options.side, generator) for item in chosen]
    boxes = np.concatenate([boxes for _, boxes in views])
    normalized = (
        np.concatenate(((boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]), axis=1)
        / options.side
    )
    owners = np.repeat(np.arange(len(views)), [len(boxes) for _, boxes in views])
    batch = {
        "img": torch.from_numpy(np.stack([view for view, _ in views])[:, None]),
        "cls": torch.zeros(len(boxes), 1),
        "bboxes": torch.from_numpy(normalized.astype(np.float32)),
        "batch_idx": torch.from_numpy(owners.astype(np.float32)),
    }
    return {name: tensor.to(options.device) for name, tensor in batch.items()}
