"""Trains one grading network on the crops of labelled discs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from ultralytics.utils.torch_utils import ModelEMA

from domain.errors import DiscLoopError
from ml_backend.grader.crops import Frame, Jitter, column_window, crop_disc, frame_discs
from ml_backend.grader.network import Grader, start_from_detector
from ml_backend.ordinal import smooth_targets
from ml_backend.progress import Progress, load_checkpoint, save_checkpoint
from ml_backend.samples import GreyImage, LabelledSlice

HERNIATION_WEIGHT = 0.25
"""Of the herniation head's loss in the sum."""
HERNIATION_RARITY = 3.0
"""Weight of a herniated disc against one that is not: one in twenty is."""
RANKED_WEIGHT = 2.0
"""Of the ranked probability score in the grade's loss, beside cross-entropy."""


@dataclass(frozen=True)
class GraderOptions:
    """How to train; the defaults made the bundled checkpoint."""

    epochs: int = 30
    batch: int = 32
    rate: float = 1.2e-3
    decay: float = 0.02
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class DiscSample:
    """One disc to learn from: where it is, and what was read. Unknown readings are NaN."""

    image: GreyImage
    frame: Frame
    window: tuple[float, float]
    grade: npt.NDArray[np.float32]
    herniated: float
    weight: float


def disc_samples(slices: Sequence[LabelledSlice]) -> list[DiscSample]:
    """All read discs of boxed slices."""
    samples = []
    for item in slices:
        if item.boxes is None or not len(item.boxes):
            continue
        frames = frame_discs(item.boxes)
        window = column_window(item.image, frames)
        for i, frame in enumerate(frames):
            if not (np.isnan(item.grades[i]).any() and np.isnan(item.herniated[i])):
                samples.append(
                    DiscSample(
                        item.image,
                        frame,
                        window,
                        item.grades[i],
                        float(item.herniated[i]),
                        float(item.weights[i]),
                    )
                )
    return samples


def train_grader(
    samples: Sequence[DiscSample],
    options: GraderOptions,
    *,
    checkpoint: Path,
    progress: Progress,
    detector: dict[str, Tensor] | None = None,
    initial: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Train and return the averaged network's state dict; goes on from `checkpoint` if it exists.

    Args:
        samples: Discs to learn from.
        options: How.
        checkpoint: Written after every epoch.
        progress: Told after every epoch.
        detector: State dict of a detector of the same patients to start the first layers from.
        initial: State dict of a trained grader to start from.

    Raises:
        DiscLoopError: If there are no samples.
        Interrupted: After a checkpoint, if the run was asked to stop.
    """
    if not samples:
        raise DiscLoopError("expected graded discs to train the grader on, got none")
    torch.manual_seed(options.seed)
    network = Grader()
    if detector is not None:
        start_from_detector(network, detector)
    if initial is not None:
        network.load_state_dict(initial)
    run = _Run(network.to(options.device).to(memory_format=torch.channels_last), samples, options)
    if checkpoint.exists():
        run.restore(load_checkpoint(checkpoint))
    progress.start()
    while run.epoch < options.epochs:
        loss = run.train_epoch()
        save_checkpoint(run.state(), checkpoint)
        progress.report(f"grader-{options.seed}", run.epoch, options.epochs, loss)
        progress.check()
    averaged: dict[str, Tensor] = run.average.ema.state_dict()
    return averaged


class _Run:
    """The moving parts of one training run."""

    def __init__(self, network: Grader, samples: Sequence[DiscSample], options: GraderOptions) -> None:
        self.network, self.samples, self.options, self.epoch = network, samples, options, 0
        self.steps = max(1, len(samples) // options.batch)
        heads = [*network.neck.parameters(), *network.head.parameters()]
        base = list(network.trunk.parameters())
        groups = [{"params": heads, "lr": options.rate}, {"params": base, "lr": options.rate / 2}]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=options.decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            [options.rate, options.rate / 2],
            # Its rise is no step long at five steps in all, and it divides by that.
            total_steps=max(10, options.epochs * self.steps + 1),
            pct_start=0.2,
        )
        self.average = ModelEMA(network, decay=0.99, tau=60)
        self.targets = smooth_targets(np.stack([sample.grade for sample in samples]))
        self.odds = _sampling_odds(samples)

    def train_epoch(self) -> float:
        """One epoch; its views depend on the seed and the epoch only."""
        generator = np.random.default_rng((self.options.seed, self.epoch))
        torch.manual_seed(self.options.seed * 1000 + self.epoch)
        self.network.train()
        chosen = generator.choice(len(self.samples), (self.steps, self.options.batch), p=self.odds)
        total = sum(self._step(row, generator) for row in chosen)
        self.epoch += 1
        return total / self.steps

    def _step(self, indices: npt.NDArray[np.intp], generator: np.random.Generator) -> float:
        chosen = [self.samples[int(i)] for i in indices]
        crops = np.stack([crop_disc(s.image, s.frame, s.window, random_jitter(generator)) for s in chosen])
        shapes = np.stack([s.frame.shape for s in chosen])
        shapes = shapes + generator.normal(0, 0.15, shapes.shape).astype(np.float32)
        device = self.options.device
        views = torch.from_numpy(crops).to(device, memory_format=torch.channels_last)
        loss = grading_loss(
            self.network(views, torch.from_numpy(shapes).to(device)),
            torch.from_numpy(self.targets[indices]).to(device),
            torch.tensor([s.herniated for s in chosen], device=device),
            torch.tensor([s.weight for s in chosen], device=device),
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update(self.network)
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on."""
        return {
            "epoch": self.epoch,
            "network": self.network.state_dict(),
            "average": self.average.ema.state_dict(),
            "updates": self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a saved state."""
        self.epoch, self.average.updates = state["epoch"], state["updates"]
        self.network.load_state_dict(state["network"])
        self.average.ema.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


def grading_loss(logits: Tensor, targets: Tensor, herniated: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy and ranked probability score of the grade, and cross-entropy of the herniation.

    Args:
        logits: (batch, 6): five grades, one herniation.
        targets: (batch, 5) distributions; a row of NaN is not graded.
        herniated: (batch,) 1, 0 or NaN.
        weights: (batch,).
    """
    graded, known = ~targets.isnan().any(dim=1), ~herniated.isnan()
    logarithms = F.log_softmax(logits[:, :5], dim=1)
    truth = torch.where(graded[:, None], targets, torch.full_like(targets, 0.2))
    surprise = -(truth * logarithms).sum(dim=1)
    ranked = (logarithms.exp().cumsum(1) - truth.cumsum(1)).pow(2).sum(dim=1)
    grade_loss = ((surprise + RANKED_WEIGHT * ranked) * weights * graded).sum() / weights.sum().clamp(
        min=1e-6
    )
    answer = torch.where(known, herniated, torch.zeros_like(herniated))
    rarity = torch.where(answer > 0.5, HERNIATION_RARITY, 1.0)
    each = F.binary_cross_entropy_with_logits(logits[:, 5], answer, reduction="none") * rarity * known
    return grade_loss + HERNIATION_WEIGHT * each.mean()


def random_jitter(generator: np.random.Generator) -> Jitter:
    """A random view: a box a little off, another window, now and then noise or blur."""
    return Jitter(
        shift=(float(generator.normal(0, 0.05)), float(generator.normal(0, 0.035))),
        scale=float(np.exp(generator.normal(0, 0.09))),
        turn=float(generator.normal(0, 0.08)),
        mirror=bool(generator.random() < 0.35),
        flip=bool(generator.random() < 0.3),
        gamma=float(np.exp(generator.normal(0, 0.16))),
        gain=float(np.exp(generator.normal(0, 0.07))),
        noise=float(generator.uniform(0.005, 0.05)) if generator.random() < 0.3 else 0.0,
        blur=float(generator.uniform(0.3, 1.0)) if generator.random() < 0.25 else 0.0,
    )


def _sampling_odds(samples: Sequence[DiscSample]) -> npt.NDArray[np.float64]:
    """Rarer grades are drawn more often, by the square root of their frequency."""
    grades = np.stack([np.nan_to_num(sample.grade, nan=0.2) for sample in samples])
    frequency = grades.mean(axis=0).clip(min=1e-3)
    odds = (grades / np.sqrt(frequency)).sum(axis=1).astype(np.float64)
    return np.asarray(odds / odds.sum(), np.float64)
