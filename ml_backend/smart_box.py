"""The smart box: a box roughly drawn by a reader becomes the box of the disc it is on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from domain.boxes import Box, intersection_over_union
from domain.errors import DiscLoopError
from ml_backend.model import LoadedModel
from ml_backend.samples import BoxArray, GreyImage

LEAST_OVERLAP = 0.15
Region = dict[str, Any]
ReadSlice = Callable[[int], GreyImage]


def snap(model: LoadedModel, drawn: list[Region], read: ReadSlice) -> list[Region]:
    """The drawn regions, disc rectangles moved to the disc they overlap most.

    What is no disc rectangle, lies on no disc or on a slice that cannot be read comes back as it was drawn: a
    reader's stroke is never lost. A drawn herniation or high-intensity zone is not moved.

    Args:
        model: Finds the discs.
        drawn: Regions of Label Studio, values in percent of the slice.
        read: Gives the slice of a number.
    """
    return [_snap_region(model, region, read) for region in drawn]


def _snap_region(model: LoadedModel, region: Region, read: ReadSlice) -> Region:
    value = region.get("value")
    if region.get("type") != "rectanglelabels" or not isinstance(value, dict):
        return region
    labels = {str(label).lower() for label in value.get("rectanglelabels") or ["disc"]}
    if labels != {"disc"} or value.get("rotation"):
        return region
    try:
        image = read(int(region.get("item_index", 0)))
        box = _to_pixels(value, image)
    except (DiscLoopError, KeyError, TypeError, ValueError):
        return region
    nearest = nearest_disc(model.find([image])[0].column.boxes, box)
    if nearest is None:
        return region
    moved = copy.deepcopy(region)
    moved["value"].update(_to_percent(nearest, image))
    moved["original_width"], moved["original_height"] = image.shape[1], image.shape[0]
    return moved


def nearest_disc(discs: BoxArray, drawn: Box) -> Box | None:
    """The disc that a drawn box means: the one it overlaps most, or the one around its middle."""
    if not len(discs):
        return None
    boxes = [Box.from_list([float(edge) for edge in row]) for row in discs]
    overlaps = [intersection_over_union(box, drawn) for box in boxes]
    best = int(np.argmax(overlaps))
    x, y = drawn.center
    around = boxes[best].x1 <= x <= boxes[best].x2 and boxes[best].y1 <= y <= boxes[best].y2
    return boxes[best] if overlaps[best] >= LEAST_OVERLAP or (overlaps[best] > 0 and around) else None


def _to_pixels(value: dict[str, Any], image: GreyImage) -> Box:
    height, width = image.shape
    x, y = float(value["x"]) / 100 * width, float(value["y"]) / 100 * height
    return Box(
        x1=x, y1=y, x2=x + float(value["width"]) / 100 * width, y2=y + float(value["height"]) / 100 * height
    )


def _to_percent(box: Box, image: GreyImage) -> dict[str, float]:
    height, width = image.shape
    return {
        "x": box.x1 / width * 100,
        "y": box.y1 / height * 100,
        "width": (box.x2 - box.x1) / width * 100,
        "height": (box.y2 - box.y1) / height * 100,
    }
