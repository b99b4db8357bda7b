"""LabelImg: Pascal VOC XML beside each picture. Its boxes count pixels from 1, both ends included."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from data_curation.importers.pictures import Mark, Picture
from data_curation.importers.table import Table
from domain.boxes import Box
from domain.errors import DiscLoopError

_LARGEST = 10_000_000


def read(source: Path, table: Table) -> Iterator[Picture]:
    """All pictures of a folder that have an XML file.

    Raises:
        DiscLoopError: Naming the file and what is wrong in it.
    """
    for path in sorted(source.rglob("*.xml")):
        content = path.read_bytes()
        # Entities can be made to unfold without end; annotation files have none.
        if len(content) > _LARGEST or b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise DiscLoopError(f"{path}: not a LabelImg file")
        try:
            root = ET.fromstring(content)
            name = root.findtext("filename") or ""
            marks = tuple(_mark(item, table, path) for item in root.iter("object"))
        except (ET.ParseError, ValueError, TypeError) as error:
            raise DiscLoopError(f"{path}: not a LabelImg file: {type(error).__name__} {error}") from error
        picture = path.parent / Path(name.replace("\\", "/")).name
        if not name or not picture.exists():
            raise DiscLoopError(f"{path}: filename {picture.name} is not beside it")
        yield Picture(picture, marks)


def _mark(item: ET.Element, table: Table, path: Path) -> Mark:
    edges = [float(item.findtext(f"bndbox/{name}") or "nan") for name in ("xmin", "ymin", "xmax", "ymax")]
    meaning = table.meaning(item.findtext("name") or "", str(path))
    return Mark(meaning, Box(x1=edges[0] - 1, y1=edges[1] - 1, x2=edges[2], y2=edges[3]))
