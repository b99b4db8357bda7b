"""The grading network: the detector's own first layers on a crop, and two small heads.

The layers are those of `detector/disc.yaml` up to stride 16. Training starts them from the detector of the
same patients: it has learned what discs and vertebrae look like, on slices, without a grade.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Conv

from ml_backend.detector.network import backbone_of, build_detector
from ml_backend.grader.crops import SHAPE_FEATURES

CHANNELS = 3
LAYERS = 7
"""Layers 0 to 6 of the detector."""
OUTPUTS = 6
"""Five grades, one herniation."""


class Grader(nn.Module):
    """Crops and shape numbers to five grade logits and one herniation logit.

    Input: crops (batch, 3, height, width), 0 to 1; shapes (batch, SHAPE_FEATURES). Output: (batch, OUTPUTS).
    """

    def __init__(self, *, hidden: int = 128, dropout: float = 0.4) -> None:
        super().__init__()
        layers = list(backbone_of(build_detector()))[:LAYERS]
        stem = Conv(CHANNELS, int(layers[0].get_parameter("conv.weight").shape[0]), 3, 2)
        self.trunk = nn.Sequential(stem, *layers[1:])
        self.neck = Conv(_out_channels(self.trunk), hidden, 1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * hidden + SHAPE_FEATURES, OUTPUTS)

    def forward(self, crops: Tensor, shapes: Tensor) -> Tensor:
        """The disc lies in the middle: its features are averaged apart from the whole crop's."""
        features = self.neck(self.trunk(crops))
        height, width = features.shape[2], features.shape[3]
        middle = features[:, :, height // 3 : height - height // 3, width // 5 : width - width // 5]
        pooled = torch.cat((middle.mean(dim=(2, 3)), features.mean(dim=(2, 3))), dim=1)
        logits: Tensor = self.head(torch.cat((self.dropout(pooled), shapes), dim=1))
        return logits


def start_from_detector(network: Grader, detector: Mapping[str, Tensor]) -> None:
    """Fill the trunk from a detector's state dict; each channel gets a third of the one channel's weights."""
    own = network.trunk.state_dict()
    filled = {name: detector[f"model.{name}"] for name in own}
    first = "0.conv.weight"
    filled[first] = filled[first].repeat(1, CHANNELS, 1, 1) / CHANNELS
    network.trunk.load_state_dict(filled)


def _out_channels(trunk: nn.Sequential) -> int:
    with torch.no_grad():
        return int(trunk.eval()(torch.zeros(1, CHANNELS, 32, 32)).shape[1])
