"""COCO detection JSON: `bbox` is x, y, width, height from the picture's top left corner."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from data_curation.importers.pictures import Mark, Picture
from data_curation.importers.table import Table, parse_code
from domain.boxes import Box
from domain.errors import DiscLoopError


def read(source: Path, table: Table) -> Iterator[Picture]:
    """The pictures of a JSON file, or of all in a folder; they lie beside it or in `images/`.

    Raises:
        DiscLoopError: Naming the file and what is wrong in it.
    """
    files = sorted(source.glob("*.json")) if source.is_dir() else [source]
    if not files:
        raise DiscLoopError(f"{source}: expected a COCO JSON file")
    for path in files:
        try:
            yield from _pictures(path, table)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DiscLoopError(f"{path}: not a COCO file: {type(error).__name__} {error}") from error


def _pictures(path: Path, table: Table) -> Iterator[Picture]:
    content = json.loads(path.read_bytes())
    categories = {c["id"]: str(c["name"]) for c in content["categories"]}
    marks: dict[int, list[Mark]] = defaultdict(list)
    for annotation in content["annotations"]:
        x, y, width, height = (float(v) for v in annotation["bbox"])
        attributes = annotation.get("attributes", {})
        name = categories[annotation["category_id"]]
        meaning = table.meaning(name, str(path))
        if "code" in attributes:
            meaning = parse_code(str(attributes["code"]), str(path))
        finding = attributes.get("finding")
        box = Box(x1=x, y1=y, x2=x + width, y2=y + height)
        marks[annotation["image_id"]].append(
            Mark(
                meaning, box, str(finding) if finding is not None else None, attributes.get("primary") is True
            )
        )
    for image in content["images"]:
        yield Picture(_file(path.parent, str(image["file_name"]), path), tuple(marks[image["id"]]))


def _file(folder: Path, name: str, path: Path) -> Path:
    relative = Path(name.replace("\\", "/"))
    for place in (folder / relative, folder / "images" / relative, folder / "images" / relative.name):
        if place.exists() and place.resolve().is_relative_to(folder.resolve()):
            return place
    raise DiscLoopError(f"{path}: file_name {relative.name} is not beside it")
