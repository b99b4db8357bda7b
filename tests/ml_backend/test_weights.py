"""A model's files: whole, named by hash, and weights only."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from domain.errors import DiscLoopError
from ml_backend.model import build_model
from ml_backend.weights import BUNDLED, DESCRIPTION, TENSORS, read_description, read_weights, sha256_of
from tests.ml_backend.spines import random_tensors, write_random_model


def copied(folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    shutil.copytree(folder, target)
    return target


def test_what_is_written_is_read_back_as_float32(tiny_weights: Path) -> None:
    description, tensors = read_weights(tiny_weights)
    assert description.version == f"tiny-{description.sha256[:8]}"
    assert all(t.dtype == torch.float32 for t in tensors["plausibility"].values())
    assert sorted(p.name for p in tiny_weights.iterdir()) == [DESCRIPTION, TENSORS]


def test_the_same_tensors_give_the_same_hash(tmp_path: Path) -> None:
    assert write_random_model(tmp_path / "a").sha256 == write_random_model(tmp_path / "b").sha256


def test_a_changed_byte_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    folder = copied(tiny_weights, tmp_path)
    content = bytearray((folder / TENSORS).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / TENSORS).write_bytes(bytes(content))
    with pytest.raises(DiscLoopError, match="SHA-256"):
        read_weights(folder)


def test_another_hash_than_the_control_plane_named_is_refused(tiny_weights: Path) -> None:
    with pytest.raises(DiscLoopError, match="control plane"):
        read_weights(tiny_weights, expected_sha256="0" * 64)


class _Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, ("raise SystemExit('code ran')",))


def test_code_in_a_checkpoint_does_not_run(tiny_weights: Path, tmp_path: Path) -> None:
    folder = copied(tiny_weights, tmp_path)
    with (folder / TENSORS).open("wb") as file:
        pickle.dump(_Dangerous(), file)
    text = (folder / DESCRIPTION).read_text()
    before = read_description(folder).sha256
    (folder / DESCRIPTION).write_text(text.replace(before, sha256_of(folder / TENSORS)))
    with pytest.raises(DiscLoopError, match="checkpoint"):
        read_weights(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('"graders":1|"graders":0', "graders"),
        ('"side":128|"side":100', "side"),
        ('"schema_version":1|"x":1', "x"),
    ],
)
def test_a_wrong_description_names_its_field(
    tiny_weights: Path, tmp_path: Path, change: str, named: str
) -> None:
    folder = copied(tiny_weights, tmp_path)
    old, new = change.split("|")
    text = (folder / DESCRIPTION).read_text().replace('": ', '":')
    assert old in text
    (folder / DESCRIPTION).write_text(text.replace(old, new))
    with pytest.raises(DiscLoopError, match=rf"model\.json, {named}"):
        read_description(folder)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiscLoopError, match=r"model\.json"):
        read_weights(tmp_path)


def test_tensors_of_another_network_are_refused(tiny_weights: Path) -> None:
    description, _ = read_weights(tiny_weights)
    tensors = random_tensors()
    tensors["detector"].pop(next(iter(tensors["detector"])))
    with pytest.raises(DiscLoopError, match="do not fit"):
        build_model(description, tensors)


def test_the_bundled_model_is_small_whole_and_described() -> None:
    description, tensors = read_weights(BUNDLED)
    assert sum(p.stat().st_size for p in BUNDLED.iterdir()) < 15_000_000
    card = (BUNDLED / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert description.sha256 in card
    assert "Not for clinical use" in card
    build_model(description, tensors)
