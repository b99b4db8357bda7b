"""Label files from elsewhere name pictures; a name that leads out of their folder is never followed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from data_curation.importers import coco, labelimg, labelme
from data_curation.importers.pictures import Picture
from data_curation.importers.table import Table
from domain.errors import DiscLoopError

Reader = Callable[[Path, Table], Iterator[Picture]]
BOMB = '<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>'


def _labelme(folder: Path, name: str) -> Path:
    (folder / "a.json").write_text(json.dumps({"imagePath": name, "shapes": []}))
    return folder


def _coco(folder: Path, name: str) -> Path:
    content = {"categories": [], "annotations": [], "images": [{"id": 1, "file_name": name}]}
    (folder / "a.json").write_text(json.dumps(content))
    return folder / "a.json"


def _labelimg(folder: Path, name: str, before: str = "") -> Path:
    (folder / "a.xml").write_text(f"{before}<annotation><filename>{name}</filename></annotation>")
    return folder


@pytest.mark.parametrize(
    ("read", "write"),
    [(labelme.read, _labelme), (coco.read, _coco), (labelimg.read, _labelimg)],
    ids=["labelme", "coco", "labelimg"],
)
@pytest.mark.parametrize(
    "name", ["../secret.png", "..\\secret.png", "{outside}/secret.png", "a/../../secret.png"]
)
def test_a_picture_outside_the_folder_is_not_read(
    tmp_path: Path, read: Reader, write: Callable[[Path, str], Path], name: str
) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "secret.png")
    folder = tmp_path / "labels"
    (folder / "a").mkdir(parents=True)
    source = write(folder, name.format(outside=tmp_path))
    with pytest.raises(DiscLoopError, match=r"secret\.png is not beside it"):
        list(read(source, Table()))


def test_entities_of_xml_are_not_unfolded(tmp_path: Path) -> None:
    with pytest.raises(DiscLoopError, match="not a LabelImg file"):
        list(labelimg.read(_labelimg(tmp_path, "&d;", BOMB), Table()))
