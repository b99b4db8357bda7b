"""The grading network: the first eleven blocks of EfficientNet-Lite0 and two small heads.

Blocks: inverted bottlenecks (Sandler et al. 2018, CVPR) with the widths of EfficientNet-Lite0 (Tan and Le
2019, ICML; Lite: no squeeze-excitation, ReLU6). Cut at stride 16: deeper ones see a crop as one pixel, and
the cut leaves 0.7 million weights, so that several networks fit a checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from ml_backend.grader.crops import SHAPE_FEATURES

STAGES = (
    # expansion, channels, repeats, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
)
STEM = 32
EPSILON = 1e-3
OUTPUTS = 6
"""Five grades, one herniation."""


class Bottleneck(nn.Module):
    """Inverted bottleneck: widen, depthwise, narrow; a shortcut where the shape allows."""

    def __init__(self, before: int, after: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = before * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [nn.Conv2d(before, wide, 1, bias=False), nn.BatchNorm2d(wide, eps=EPSILON), nn.ReLU6()]
        layers += [
            nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False),
            nn.BatchNorm2d(wide, eps=EPSILON),
            nn.ReLU6(),
            nn.Conv2d(wide, after, 1, bias=False),
            nn.BatchNorm2d(after, eps=EPSILON),
        ]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and before == after

    def forward(self, features: Tensor) -> Tensor:
        """(batch, before, height, width) to (batch, after, height / stride, width / stride)."""
        changed: Tensor = self.layers(features)
        return features + changed if self.shortcut else changed


class Grader(nn.Module):
    """Crops and shape numbers to five grade logits and one herniation logit.

    Input: crops (batch, 3, height, width); shapes (batch, SHAPE_FEATURES). Output: (batch, OUTPUTS).
    """

    def __init__(self, *, hidden: int = 160, dropout: float = 0.35) -> None:
        super().__init__()
        self._frozen: list[nn.Module] = []
        blocks: list[nn.Module] = []
        channels = STEM
        for expansion, after, repeats, stride, kernel in STAGES:
            for repeat in range(repeats):
                blocks.append(Bottleneck(channels, after, expansion, stride if repeat == 0 else 1, kernel))
                channels = after
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM, 3, 2, 1, bias=False), nn.BatchNorm2d(STEM, eps=EPSILON), nn.ReLU6()
        )
        self.blocks = nn.Sequential(*blocks)
        self.neck = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False), nn.BatchNorm2d(hidden, eps=EPSILON), nn.ReLU6()
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden + SHAPE_FEATURES, OUTPUTS)

    def freeze(self, blocks: int) -> None:
        """Keep the stem and the first blocks as they are, their normalisation too."""
        self._frozen = [self.stem, *list(self.blocks)[:blocks]] if blocks else []
        for part in self._frozen:
            part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Frozen parts stay in evaluation mode."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, crops: Tensor, shapes: Tensor) -> Tensor:
        """See the class."""
        features = self.neck(self.blocks(self.stem(crops))).mean(dim=(2, 3))
        logits: Tensor = self.head(torch.cat((self.dropout(features), shapes), dim=1))
        return logits


def start_from(network: Grader, published: Mapping[str, Tensor]) -> int:
    """Fill stem and blocks from an EfficientNet-Lite0 state dict, tensor by tensor in order.

    Args:
        network: Filled in place.
        published: State dict whose tensors stand in the order of the layers.

    Returns:
        Number of tensors filled.

    Raises:
        ValueError: If a tensor's shape is not the layer's.
    """
    own = [(name, t) for name, t in network.state_dict().items() if name.startswith(("stem", "blocks"))]
    theirs = list(published.values())[: len(own)]
    filled = {}
    for (name, tensor), other in zip(own, theirs, strict=True):
        if tensor.shape != other.shape:
            raise ValueError(f"layer {name}: expected shape {tuple(tensor.shape)}, got {tuple(other.shape)}")
        filled[name] = other
    network.load_state_dict(filled, strict=False)
    return len(filled)
