"""Several grading networks as one: probabilities averaged over networks and the mirrored view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ml_backend.grader.network import Grader


class GraderEnsemble(nn.Module):
    """Crops and shapes to averaged probabilities.

    Input: crops (batch, 3, height, width); shapes (batch, SHAPE_FEATURES).
    Output: grades (batch, 5), rows summing to one; herniation (batch,), 0 to 1.
    """

    def __init__(self, members: Sequence[Grader], *, mirror: bool = False) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.mirror = mirror

    def forward(self, crops: Tensor, shapes: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        views = [crops, crops.flip(3)] if self.mirror else [crops]
        logits = torch.stack([member(view, shapes) for member in self.members for view in views])
        return logits[:, :, :5].softmax(dim=2).mean(dim=0), logits[:, :, 5].sigmoid().mean(dim=0)
