"""The paper's two modules. Both keep the number of channels: Ultralytics' YAML takes them as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import SPPF, Conv

REDUCTION = 16


class SqueezeFusion(nn.Module):
    """Module 1: squeeze-and-excitation after a 3 x 3 convolution, concatenated with the original features.

    The paper draws Conv3x3, FC, ReLU, FC, Sigmoid, then concatenation; that the means over the picture enter
    the first FC, and that a 1 x 1 convolution brings the channels back, are our reading of it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(8, channels // REDUCTION)
        self.features = Conv(channels, channels, 3)
        self.excite = nn.Sequential(
            nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels), nn.Sigmoid()
        )
        self.fuse = Conv(2 * channels, channels, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same shape."""
        features = self.features(pictures)
        gates = self.excite(features.mean(dim=(2, 3)))[:, :, None, None]
        fused: Tensor = self.fuse(torch.cat((pictures, features * gates), dim=1))
        return fused


class ResidualSPPF(SPPF):
    """Module 2: spatial pyramid pooling with its input added to what it makes."""

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__(channels, channels, kernel)
        self.cv1.act = Conv.default_act

    def forward(self, pictures: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same shape."""
        pooled: Tensor = super().forward(pictures)
        return pictures + pooled
