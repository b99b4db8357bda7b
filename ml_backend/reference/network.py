"""The reference network, built by Ultralytics from its YAML; each of the paper's changes can be left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ultralytics.cfg import get_cfg
from ultralytics.nn import tasks
from ultralytics.nn.tasks import DetectionModel

from ml_backend.reference.loss import BALANCED, USUAL, DistanceLoss
from ml_backend.reference.modules import ResidualSPPF, SqueezeFusion

ARCHITECTURE = Path(__file__).with_name("wang.yaml")


@dataclass(frozen=True)
class Changes:
    """Which of the paper's changes are made; none of them is the plain network of the same size."""

    attention: bool = True
    residual: bool = True
    distance_iou: bool = True
    balance: bool = True


class ReferenceModel(DetectionModel):
    """Ultralytics' model with the paper's criterion."""

    def __init__(self, changes: Changes, *, classes: int = 5) -> None:
        self.changes = changes
        super().__init__(describe(changes), ch=1, nc=classes, verbose=False)  # type: ignore[no-untyped-call]
        self.args = get_cfg(overrides=BALANCED if changes.balance else USUAL)

    def init_criterion(self) -> Any:
        """Called by Ultralytics at the first loss."""
        if self.changes.distance_iou:
            return DistanceLoss(self)
        return super().init_criterion()  # type: ignore[no-untyped-call]


def describe(changes: Changes) -> dict[str, Any]:
    """The YAML as Ultralytics reads it, with left-out modules replaced by the plain ones, layer by layer."""
    description: dict[str, Any] = yaml.safe_load(ARCHITECTURE.read_text(encoding="utf-8"))
    for module in (SqueezeFusion, ResidualSPPF):
        setattr(tasks, module.__name__, module)  # Ultralytics looks modules up by name there
    for row in description["backbone"]:
        if row[2] == "SqueezeFusion" and not changes.attention:
            row[2:] = ["nn.Identity", []]
        if row[2] == "ResidualSPPF" and not changes.residual:
            row[2:] = ["SPPF", [1024, 5]]
    return description | {"ch": 1, "channels": 1}
