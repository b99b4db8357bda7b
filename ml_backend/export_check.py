"""The exported model beside the trained one: does it say the same, and how long does it take?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ml_backend.model import LoadedModel
from ml_backend.ordinal import median_grade
from ml_backend.runtimes import RuntimeName
from ml_backend.samples import BoxArray, GreyImage

TIMED_SLICES, REPEATS = 20, 3


def compare_export(
    trained: LoadedModel,
    exported: LoadedModel,
    columns: Sequence[tuple[GreyImage, BoxArray]],
    *,
    runtime: RuntimeName = RuntimeName.OPENVINO,
) -> dict[str, Any]:
    """What `domain.evaluation.Serving` holds, of (height, width) uint8 slices with true (discs, 4) boxes.

    The time is that of finding discs and reading the true ones, so that a model that finds fewer is not the
    quicker for it: processor time, and the least of three, so that other work on the machine counts little.
    """
    same = discs = 0
    apart = 0.0
    for image, _ in columns:
        (boxes, grades), (own_boxes, own_grades) = _read(trained, image), _read(exported, image)
        discs += max(len(grades), len(own_grades))
        if len(grades) == len(own_grades) and len(grades):
            same += int((grades == own_grades).sum())
            apart = max(apart, float(np.abs(boxes - own_boxes).max()))
    timed = [min(_seconds(exported, *column) for _ in range(REPEATS)) for column in columns[:TIMED_SLICES]]
    return {
        "runtime": runtime.value,
        "slices": len(columns),
        "same_grades": same / discs if discs else 1.0,
        "box_px": round(apart, 4),
        "milliseconds": round(1000 * float(np.median(timed)), 3),
    }


def _read(model: LoadedModel, image: GreyImage) -> tuple[BoxArray, Any]:
    boxes = model.find([image])[0].column.boxes
    grades = model.grade(image, boxes).grades
    return boxes, median_grade(grades) if len(grades) else np.zeros(0, np.int64)


def _seconds(model: LoadedModel, image: GreyImage, boxes: BoxArray) -> float:
    started = time.process_time()
    model.find([image])
    model.grade(image, boxes)
    return time.process_time() - started
