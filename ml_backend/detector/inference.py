"""From a slice to its column of discs, with any runtime that evaluates the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from ultralytics.nn.tasks import DetectionModel

from ml_backend.column import Column, trace_column
from ml_backend.detector.letterbox import Letterbox
from ml_backend.detector.looks import merge_looks
from ml_backend.detector.network import DetectionHead
from ml_backend.samples import GreyImage

FAINTEST = 0.02
"""Candidates below this score are not looked at."""


class DetectorRuntime(Protocol):
    """Evaluates the detection network."""

    def __call__(
        self, pictures: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Pictures (batch, 1, height, width) to candidates (batch, anchors, 5), embeddings (batch, 128)."""
        ...


class TorchDetector:
    """Eager PyTorch: for training, and the reference that the other runtimes are compared with."""

    def __init__(self, network: DetectionModel) -> None:
        self._head = DetectionHead(network.eval())
        self._device = next(network.parameters()).device

    def __call__(
        self, pictures: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """See `DetectorRuntime`."""
        with torch.no_grad():
            candidates, embeddings = self._head(torch.from_numpy(pictures).to(self._device))
        return candidates.float().cpu().numpy(), embeddings.float().cpu().numpy()


@dataclass(frozen=True)
class Found:
    """What the detector says of one slice; boxes in pixels of the slice."""

    column: Column
    embedding: npt.NDArray[np.float32]


def find_column(detector: DetectorRuntime, image: GreyImage, *, side: int) -> Found:
    """The column of discs on a slice, (height, width) uint8."""
    letterbox = Letterbox.of(image.shape[1], image.shape[0], side)
    candidates, embeddings = detector(letterbox.apply(image)[None, None])
    return Found(column_of(candidates[0], letterbox), embeddings[0])


def column_of(candidates: npt.NDArray[np.float32], letterbox: Letterbox) -> Column:
    """The column among the network's candidates (anchors, 5), in pixels of the slice."""
    likely = likely_of(candidates)
    column = trace_column(likely[:, :4], likely[:, 4])
    return Column(letterbox.restore(column.boxes), column.scores, column.doubt)


def likely_of(candidates: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The candidates (anchors, 5) that are worth a look."""
    return candidates[candidates[:, 4] >= FAINTEST]


def column_of_looks(
    first: npt.NDArray[np.float32], second: npt.NDArray[np.float32], letterboxes: tuple[Letterbox, Letterbox]
) -> Column:
    """The column among the candidates of two looks at the same slice, in pixels of the slice."""
    before, after = letterboxes
    again = likely_of(second).copy()
    again[:, :4] *= before.scale / after.scale
    return column_of(merge_looks([likely_of(first), again]), before)
