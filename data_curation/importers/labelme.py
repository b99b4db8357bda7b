"""Labelme: a JSON file beside each picture, boxes as rectangles or polygons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_curation.importers.pictures import Mark, Picture
from data_curation.importers.table import Table
from domain.boxes import Box
from domain.errors import DiscLoopError


def read(source: Path, table: Table) -> Iterator[Picture]:
    """All pictures of a folder that have a JSON file.

    Raises:
        DiscLoopError: Naming the file and what is wrong in it.
    """
    for path in sorted(source.rglob("*.json")):
        try:
            content = json.loads(path.read_bytes())
            picture = path.parent / Path(str(content["imagePath"]).replace("\\", "/")).name
            marks = tuple(_mark(shape, table, path) for shape in content["shapes"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DiscLoopError(f"{path}: not a Labelme file: {type(error).__name__} {error}") from error
        if not picture.exists():
            raise DiscLoopError(f"{path}: imagePath {picture.name} is not beside it")
        yield Picture(picture, marks)


def _mark(shape: dict[str, Any], table: Table, path: Path) -> Mark:
    meaning = table.meaning(str(shape["label"]), str(path))
    xs = [float(x) for x, _ in shape["points"]]
    ys = [float(y) for _, y in shape["points"]]
    group = shape.get("group_id")
    return Mark(
        meaning,
        Box(x1=min(xs), y1=min(ys), x2=max(xs), y2=max(ys)),
        str(group) if group is not None else None,
    )
