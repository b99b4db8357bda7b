"""Several grading networks as one: probabilities averaged over networks and the mirrored view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ml_backend.grader.network import OUTPUTS, Grader


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
        if self.mirror:  # as one batch: a network used twice in a graph is compiled into a slower one
            crops, shapes = torch.cat((crops, crops.flip(3))), torch.cat((shapes, shapes))
        logits = torch.stack([member(crops, shapes) for member in self.members])
        views = logits.reshape(len(self.members) * (2 if self.mirror else 1), -1, OUTPUTS)
        return views[:, :, :5].softmax(dim=2).mean(dim=0), views[:, :, 5].sigmoid().mean(dim=0)
