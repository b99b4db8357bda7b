"""A loaded model: from pictures of common tone to columns, grades, lesions and doubts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from domain.errors import DiscLoopError
from ml_backend.column import Column
from ml_backend.detector.inference import Found, column_of, column_of_looks
from ml_backend.detector.letterbox import Letterbox
from ml_backend.detector.looks import UNSURE, closer_side
from ml_backend.detector.network import DetectionHead, build_detector
from ml_backend.grader.crops import (
    CROP_HEIGHT,
    CROP_WIDTH,
    SHAPE_FEATURES,
    column_window,
    crop_disc,
    frame_discs,
)
from ml_backend.grader.ensemble import GraderEnsemble
from ml_backend.grader.network import Grader
from ml_backend.ordinal import sharpen
from ml_backend.plausibility import PictureKind, Plausibility
from ml_backend.runtimes import Compiled, RuntimeName, compile_network
from ml_backend.samples import BoxArray, GreyImage
from ml_backend.weights import ModelDescription, read_weights

Floats = npt.NDArray[np.float32]
BATCH = 8
"""Slices evaluated together by the detector; larger ones are no faster on a CPU."""


@dataclass(frozen=True)
class Graded:
    """Readings of the discs of a column, lowest first: grades (discs, 5), herniation probability (discs,)."""

    grades: Floats
    herniated: Floats


class LoadedModel:
    """Networks compiled for one runtime, with their calibration. Safe to call from several threads."""

    def __init__(
        self,
        description: ModelDescription,
        detector: Compiled,
        closer: Compiled,
        grader: Compiled,
        plausibility: Plausibility | None,
    ) -> None:
        self.description = description
        self._detector, self._closer = detector, closer
        self._grader, self._plausibility = grader, plausibility

    @property
    def version(self) -> str:
        """Named in every answer."""
        return self.description.version

    def find(self, images: Sequence[GreyImage]) -> list[Found]:
        """The columns on slices, (height, width) uint8 each."""
        found: list[Found] = []
        side = self.description.side
        for start in range(0, len(images), BATCH):
            chunk = images[start : start + BATCH]
            letterboxes, framed = _framed(chunk, side)
            for image, letterbox, candidates, embedding in zip(
                chunk, letterboxes, *self._detector(framed), strict=True
            ):
                column = column_of(candidates, letterbox)
                if column.doubt > UNSURE:
                    column = self._look_again(image, candidates, letterbox)
                found.append(Found(column, embedding))
        return found

    def _look_again(self, image: GreyImage, candidates: Floats, letterbox: Letterbox) -> Column:
        (closer,), framed = _framed([image], closer_side(self.description.side))
        return column_of_looks(candidates, self._closer(framed)[0][0], (letterbox, closer))

    def grade(self, image: GreyImage, boxes: BoxArray) -> Graded:
        """Read the discs of one column, (discs, 4) boxes from the lowest up."""
        return self.grade_all([(image, boxes)])[0]

    def grade_all(self, columns: Sequence[tuple[GreyImage, BoxArray]]) -> list[Graded]:
        """Read the discs of several columns in one evaluation."""
        crops, shapes, counts = [], [], []
        for image, boxes in columns:
            frames = frame_discs(boxes)
            counts.append(len(frames))
            if frames:
                window = column_window(image, frames)
                crops += [crop_disc(image, frame, window) for frame in frames]
                shapes += [frame.shape for frame in frames]
        if not crops:
            return [Graded(np.zeros((0, 5), np.float32), np.zeros(0, np.float32)) for _ in columns]
        raw, herniated = self._grader(np.stack(crops), np.stack(shapes))
        grades, lesions = self._calibrate(raw, herniated)
        ends = np.cumsum(counts)[:-1]
        return [Graded(g, h) for g, h in zip(np.split(grades, ends), np.split(lesions, ends), strict=True)]

    def kinds(self, embedding: Floats) -> dict[PictureKind, float]:
        """What kind of picture the slice with this embedding is; empty if the model has no such part."""
        return self._plausibility.probabilities(embedding) if self._plausibility else {}

    def _calibrate(self, raw: Floats, herniated: Floats) -> tuple[Floats, Floats]:
        description = self.description
        clipped = np.clip(herniated, 1e-5, 1 - 1e-5)
        logit = (
            np.log(clipped / (1 - clipped)) * description.herniation_slope + description.herniation_intercept
        )
        return sharpen(raw, description.temperature), (1 / (1 + np.exp(-logit))).astype(np.float32)


def _framed(images: Sequence[GreyImage], side: int) -> tuple[list[Letterbox], Floats]:
    """Slices in the upper left of squares: (slices, 1, side, side), and where each lies."""
    letterboxes = [Letterbox.of(image.shape[1], image.shape[0], side) for image in images]
    framed = np.zeros((len(images), 1, side, side), np.float32)
    for row, image, letterbox in zip(framed, images, letterboxes, strict=True):
        view = letterbox.apply(image)
        row[0, : view.shape[0], : view.shape[1]] = view
    return letterboxes, framed


def load_model(
    folder: Path,
    *,
    runtime: RuntimeName = RuntimeName.OPENVINO,
    threads: int | None = None,
    expected_sha256: str | None = None,
) -> LoadedModel:
    """Read, check, build and warm up the model of a folder.

    Raises:
        DiscLoopError: The folder is not a model of this program or its hash does not fit.
    """
    description, tensors = read_weights(folder, expected_sha256=expected_sha256)
    return build_model(description, tensors, runtime=runtime, threads=threads)


def build_model(
    description: ModelDescription,
    tensors: dict[str, Any],
    *,
    runtime: RuntimeName = RuntimeName.EAGER,
    threads: int | None = None,
) -> LoadedModel:
    """The model of tensors in memory: `detector`, `graders`, and optionally `plausibility`."""
    network = build_detector()
    members = [Grader() for _ in tensors.get("graders", [])]
    if len(members) != description.graders:
        raise DiscLoopError(
            f"model {description.version}: expected {description.graders} graders, got {len(members)}"
        )
    try:
        network.load_state_dict(tensors["detector"])
        for member, state in zip(members, tensors["graders"], strict=True):
            member.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise DiscLoopError(
            f"model {description.version}: tensors do not fit the networks: {error}"
        ) from error
    used = threads or os.cpu_count() or 1
    detector, closer = (
        compile_network(
            DetectionHead(deepcopy(network).eval()),  # the network keeps the size it last saw
            (torch.zeros(1, 1, side, side),),
            runtime=runtime,
            threads=used,
        )
        for side in (description.side, closer_side(description.side))
    )
    grader = compile_network(
        GraderEnsemble(members, mirror=description.mirror),
        (torch.zeros(2, 3, CROP_HEIGHT, CROP_WIDTH), torch.zeros(2, SHAPE_FEATURES)),
        runtime=runtime,
        threads=used,
    )
    parts = tensors.get("plausibility")
    plausibility = Plausibility(**{name: tensor.numpy() for name, tensor in parts.items()}) if parts else None
    return LoadedModel(description, detector, closer, grader, plausibility)
