"""The paper's loss: the mean of cross-entropy and distance-IoU (Zheng et al. 2020, arXiv 1911.08287)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from ultralytics.utils.loss import BboxLoss, v8DetectionLoss
from ultralytics.utils.metrics import bbox_iou

BALANCED = {"box": 0.5, "cls": 0.5, "dfl": 0.0}
"""The mean of two losses; the paper has no third."""
USUAL = {"box": 7.5, "cls": 0.5, "dfl": 1.5}


class DistanceBoxLoss(BboxLoss):
    """Ultralytics' box loss with distance-IoU in the place of complete IoU."""

    def forward(self, *parts: Tensor) -> tuple[Tensor, Tensor]:
        """Takes what `BboxLoss.forward` takes, in its order; returns the box and the distribution loss."""
        _, found, _, true, scores, total, chosen = parts[:7]
        _, distribution = super().forward(*parts)
        weight = scores.sum(-1)[chosen].unsqueeze(-1)
        return (distance_loss(found[chosen], true[chosen]) * weight).sum() / total, distribution


def distance_loss(found: Tensor, true: Tensor) -> Tensor:
    """1 - IoU + squared distance of the middles over that of the enclosing corners: (n, 4) to (n, 1)."""
    overlap: Tensor = bbox_iou(found, true, xywh=False, DIoU=True)
    return 1 - overlap


class DistanceLoss(v8DetectionLoss):
    """Ultralytics' detection criterion with `DistanceBoxLoss`."""

    def __init__(self, model: torch.nn.Module, **options: Any) -> None:
        super().__init__(model, **options)
        self.bbox_loss = DistanceBoxLoss(self.reg_max).to(self.device)
