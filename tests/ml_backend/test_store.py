"""Slices by address, by key and by path: only ours, only inside the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DiscLoopError
from ml_backend.store import SLICE_ADDRESS, SliceStore
from tests.ml_backend.conftest import KEY


@pytest.fixture
def reader(store: Path) -> SliceStore:
    return SliceStore(store, store.parent / "keys")


def test_an_address_leads_to_its_slice(reader: SliceStore) -> None:
    path = reader.path_of_address(f"/discloop/slices/3/{KEY}/1")
    assert path == "studies/s1/sagittal/001.png"
    assert reader.path_of_address(f"http://localhost:8080/discloop/slices/3/{KEY}/1") == path
    assert reader.read(path).shape == (320, 240)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/data/upload/1/a.png",
        f"/discloop/slices/3/{KEY}/1?x=1",
        f"/discloop/slices/3/{KEY}/1/",
        f"/discloop/slices/3/{KEY}/-1",
        f"/discloop/slices/x/{KEY}/1",
        "/discloop/slices/3/../../secrets/1",
        f"file:///discloop/slices/3/{KEY}/1",
        f"http://user@host/discloop/slices/3/{KEY}/1",
        f"/discloop/slices/3/{KEY}/1\n",
    ],
)
def test_other_addresses_match_nothing(reader: SliceStore, address: str) -> None:
    assert SLICE_ADDRESS.fullmatch(address) is None
    with pytest.raises(DiscLoopError, match="slice address"):
        reader.path_of_address(address)


@pytest.mark.parametrize("content", ["", "[]", '{"slices": "a"}', '{"slices": [1]}', "{}"])
def test_a_broken_key_stands_for_nothing(reader: SliceStore, store: Path, content: str) -> None:
    (store.parent / "keys/broken-key.json").write_text(content)
    with pytest.raises(DiscLoopError, match="key"):
        reader.paths_of_key("broken-key")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"slices": [], "smart_box": true}', True),
        ('{"slices": [], "smart_box": false}', False),
        ('{"slices": [], "smart_box": "yes"}', False),
        ('{"slices": []}', False),
        ("[]", False),
        ("broken", False),
    ],
)
def test_only_a_key_that_says_so_has_the_smart_box(
    reader: SliceStore, store: Path, content: str, expected: bool
) -> None:
    (store.parent / "keys/another-key.json").write_text(content)
    assert reader.may_move_boxes("/discloop/slices/3/another-key/0") is expected
    assert not reader.may_move_boxes("/discloop/slices/3/no-such-key/0")


@pytest.mark.parametrize(
    "path", ["../keys/a.png", "studies//a.png", "a/../../b.png", "/x.png", "studies/.a.png", "a.txt"]
)
def test_paths_outside_are_refused(reader: SliceStore, path: str) -> None:
    with pytest.raises(DiscLoopError):
        reader.read(path)


def test_a_link_out_of_the_store_is_refused(reader: SliceStore, store: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes((store / "studies/s1/sagittal/000.png").read_bytes())
    (store / "link.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(DiscLoopError, match="leaves the store"):
        reader.read("link.png")
