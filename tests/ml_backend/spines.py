"""Drawn spines and tiny models: real parts at the smallest size, for tests that need no real image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ml_backend.detector.network import build_detector
from ml_backend.grader.network import Grader
from ml_backend.plausibility import KINDS
from ml_backend.samples import BoxArray, GreyImage, LabelledSlice, Origin
from ml_backend.weights import ModelDescription, write_weights

WIDTH, HEIGHT, DISCS = 240, 320, 6


def draw_spine(*, seed: int = 0, discs: int = DISCS) -> tuple[GreyImage, BoxArray]:
    """A column of grey blocks with bright discs between them, and the discs' boxes, lowest first."""
    generator = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH), 30, np.float32)
    boxes = []
    for i in range(discs):
        x, y = 110 + 3 * i + float(generator.normal(0, 1)), HEIGHT - 40 - 45 * i
        cv2.rectangle(image, (int(x - 24), int(y - 38)), (int(x + 24), int(y - 8)), 110.0, -1)
        cv2.ellipse(image, (int(x), int(y)), (24, 7), 0, 0, 360, float(generator.uniform(140, 230)), -1)
        boxes.append([x - 25, y - 8, x + 25, y + 8])
    cv2.line(image, (150, HEIGHT), (170, 0), 250.0, 10)
    noisy = image + generator.normal(0, 6, image.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), np.array(boxes, np.float32)


def labelled_spine(patient: str, *, seed: int) -> LabelledSlice:
    """A drawn spine with made-up grades; one disc is not graded."""
    image, boxes = draw_spine(seed=seed)
    grades = np.eye(5, dtype=np.float32)[(np.arange(DISCS) + seed) % 5]
    grades[-1] = np.nan
    herniated = np.zeros(DISCS, np.float32)
    herniated[0] = 1
    return LabelledSlice(
        patient=patient,
        name=f"{patient}/0",
        image=image,
        origin=Origin.DRAWN,
        boxes=boxes,
        grades=grades,
        herniated=herniated,
        weights=np.ones(DISCS, np.float32),
    )


def random_tensors(*, seed: int = 0, graders: int = 1) -> dict[str, Any]:
    """Untrained networks of the real architectures, and a plausibility part that doubts nothing."""
    torch.manual_seed(seed)
    bias = torch.zeros(len(KINDS))
    bias[0] = 10
    return {
        "detector": build_detector().state_dict(),
        "graders": [Grader().state_dict() for _ in range(graders)],
        "plausibility": {
            "mean": torch.zeros(128),
            "scale": torch.ones(128),
            "weight": torch.zeros(len(KINDS), 128),
            "bias": bias,
        },
    }


def write_random_model(folder: Path, *, seed: int = 0, version: str = "tiny-") -> ModelDescription:
    """An untrained model as files; a small input keeps it fast."""
    fields = {"version": version, "graders": 1, "side": 128, "herniation_threshold": 0.99}
    return write_weights(folder, random_tensors(seed=seed), fields)
