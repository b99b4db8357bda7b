"""The detection network: Ultralytics builds it from a description, a state dict fills it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import DetectionModel

DISC_ARCHITECTURE = Path(__file__).with_name("disc.yaml")
LOSS_GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
EMBEDDING_LAYER = 9
"""Output of the spatial pyramid pooling, averaged over the picture: one vector a slice."""


def build_detector(architecture: Path = DISC_ARCHITECTURE) -> DetectionModel:
    """A randomly initialised detector with one input channel and one class.

    Args:
        architecture: An Ultralytics model description.
    """
    description: dict[str, Any] = yaml.safe_load(architecture.read_text(encoding="utf-8"))
    network = DetectionModel(description | {"ch": 1, "channels": 1}, ch=1, nc=1, verbose=False)
    network.__dict__["args"] = get_cfg(overrides=LOSS_GAINS)
    return network


def backbone_of(network: DetectionModel) -> torch.nn.Sequential:
    """The layers that the embedding is made by."""
    layers = network.model
    assert isinstance(layers, torch.nn.Sequential)
    return layers[: EMBEDDING_LAYER + 1]


class DetectionHead(torch.nn.Module):
    """The detector as one function of a picture: all candidates and the slice's embedding.

    Output: candidates (batch, anchors, 5), x1, y1, x2, y2 in pixels of the input and the score;
    embedding (batch, channels).
    """

    def __init__(self, network: DetectionModel) -> None:
        super().__init__()
        layers = network.model
        assert isinstance(layers, torch.nn.Sequential)
        self.layers: list[Any] = list(layers)
        self.network = layers
        self.save = {layer.i for layer in layers} & set(network.__dict__["save"])

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (batch, 1, height, width), 0 to 1, sides multiples of 32."""
        outputs: list[Tensor | None] = []
        current: Any = pictures
        embedding = pictures
        for layer in self.layers:
            source = layer.f
            if source != -1:
                current = (
                    outputs[source]
                    if isinstance(source, int)
                    else [current if j == -1 else outputs[j] for j in source]
                )
            current = layer(current)
            outputs.append(current if layer.i in self.save else None)
            if layer.i == EMBEDDING_LAYER:
                embedding = current.mean(dim=(2, 3))
        decoded: Tensor = current[0] if isinstance(current, tuple) else current
        centre, size = decoded[:, :2], decoded[:, 2:4]
        corners = torch.cat((centre - size / 2, centre + size / 2, decoded[:, 4:5]), dim=1)
        return corners.transpose(1, 2), embedding
