"""YOLO: `data.yaml` names the classes; a text file a picture, a line a box: class, centre, size as shares.

Where `discloop export` wrote it, `findings.csv` adds level and finding to each line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import yaml

from data_curation.importers.pictures import Mark, Picture, opened
from data_curation.importers.table import Table
from domain.boxes import Box
from domain.errors import DiscLoopError
from domain.taxonomy import Level

COLUMNS = ("image", "line", "finding", "level", "primary")
"""Of `findings.csv`."""
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def read(source: Path, table: Table) -> Iterator[Picture]:
    """All pictures below `images`, with their text files below `labels`.

    Raises:
        DiscLoopError: Naming the file, the line and what is wrong in it.
    """
    names, named = _names(source), _named(source / "findings.csv")
    folder = source / "images"
    pictures = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PICTURES)
    if not pictures:
        raise DiscLoopError(f"{folder}: expected pictures")
    for picture in pictures:
        text = source / "labels" / picture.relative_to(folder).with_suffix(".txt")
        marks = tuple(_marks(text, picture, names, table)) if text.exists() else ()
        yield Picture(picture, tuple(_joined(mark, named.get((picture.stem, line))) for line, mark in marks))


def _named(path: Path) -> dict[tuple[str, int], dict[str, str]]:
    if not path.exists():
        return {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {(row["image"], int(row["line"])): row for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise DiscLoopError(f"{path}: expected the columns {', '.join(COLUMNS)}") from error


def _joined(mark: Mark, row: dict[str, str] | None) -> Mark:
    if row is None:
        return mark
    level = row.get("level")
    if level and level not in {known.value for known in Level}:
        raise DiscLoopError(f"findings.csv, image {row['image']}: {level!r} is not a level such as L4/5")
    meaning = replace(mark.meaning, level=Level(level)) if level else mark.meaning
    return Mark(meaning, mark.box, row.get("finding"), row.get("primary") == "1")


def _names(source: Path) -> dict[int, str]:
    path = source / "data.yaml"
    try:
        names = yaml.safe_load(path.read_bytes())["names"]
        named = dict(names.items() if isinstance(names, dict) else enumerate(names))
        if any(isinstance(name, list | dict) for name in named.values()):
            raise ValueError  # aliases within each other would become endless text
        return {int(number): str(name) for number, name in named.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DiscLoopError(f"{path}: expected `names`, the classes' names") from error


def _marks(text: Path, picture: Path, names: dict[int, str], table: Table) -> Iterator[tuple[int, Mark]]:
    with opened(picture) as image:
        width, height = image.size
    for number, line in enumerate(text.read_text("utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{text}, line {number}"
        try:
            kind, x, y, w, h = line.split()[:5]
            name = names[int(kind)]
            centre_x, centre_y = float(x) * width, float(y) * height
            half_x, half_y = float(w) * width / 2, float(h) * height / 2
            box = Box(x1=centre_x - half_x, y1=centre_y - half_y, x2=centre_x + half_x, y2=centre_y + half_y)
        except (ValueError, KeyError) as error:
            raise DiscLoopError(f"{where}: expected a class of data.yaml and four shares") from error
        yield number, Mark(table.meaning(name, where), box)
