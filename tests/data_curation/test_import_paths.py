"""Label files from elsewhere: no name leads out of their folder, nothing in them unfolds endlessly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from data_curation.importers import coco, labelimg, labelme, spider, yolo
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


def _volumes(folder: Path, **header: object) -> None:
    """SPIDER as published, of one volume of 2 x 2 x 2 and its mask."""
    plain = {"ObjectType": "Image", "NDims": 3, "DimSize": "2 2 2", "ElementType": "MET_UCHAR"}
    lines = [f"{name} = {said}" for name, said in (plain | {"ElementDataFile": "LOCAL"} | header).items()]
    for part in ("images", "masks"):
        (folder / part).mkdir(exist_ok=True)
        (folder / part / "1_t2.mha").write_bytes("\n".join([*lines, ""]).encode() + bytes(8))
    (folder / "radiological_gradings.csv").write_text(
        "Patient,IVD label,Disc herniation,Pfirrman grade\n1,1,0,3\n"
    )


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"ElementDataFile": "../secret.raw"}, "in another file"),
        ({"ElementDataFile": "LIST\n../secret.raw"}, "in another file"),
        ({"ElementDataFile": "secret%03d.raw 1 2 1"}, "in another file"),
        ({"Comment": "ElementDataFile = LOCAL", "ElementDataFile": "../secret.raw"}, "in another file"),
        ({"DimSize": "40000 40000 4000"}, "larger than 400000000 voxels"),
        ({"DimSize": "2 2 2000"}, "expected a volume"),
    ],
)
def test_a_volume_is_what_its_own_file_holds(tmp_path: Path, header: dict[str, object], said: str) -> None:
    (tmp_path / "secret.raw").write_bytes(bytes(8))
    (tmp_path / "in").mkdir()
    _volumes(tmp_path / "in")
    assert len(list(spider.read(tmp_path / "in", Table()))) == 1
    _volumes(tmp_path / "in", **header)
    with pytest.raises(DiscLoopError, match=said):
        list(spider.read(tmp_path / "in", Table()))


def test_json_within_json_without_end_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 100_000)
    for read in (labelme.read, coco.read):
        with pytest.raises(DiscLoopError, match=r"a\.json: not a "):
            list(read(tmp_path, Table()))


def test_a_picture_larger_than_any_slice_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    (tmp_path / "data.yaml").write_text("names: [disc]")
    Image.new("1", (14_000, 13_000)).save(tmp_path / "images" / "a.png")
    (tmp_path / "labels" / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(
        DiscLoopError, match=r"a\.png: expected a picture, cannot read it \(DecompressionBomb"
    ):
        list(yolo.read(tmp_path, Table()))


def test_names_of_yaml_are_not_unfolded(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("a: &a [x, x]\nb: &b [*a, *a]\nnames: [*b]\n")
    with pytest.raises(DiscLoopError, match=r"data\.yaml: expected `names`"):
        list(yolo.read(tmp_path, Table()))
