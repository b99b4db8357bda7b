"""Fixtures of the ML backend's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
import torch

from tests.ml_backend.spines import draw_spine, write_random_model

KEY = "Ab3-key_of_a_task_0123456"
PASSWORD = "kLq72-wet-Anvil-09"


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> Iterator[None]:
    """Tests run beside each other: no network takes all cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model's folder."""
    folder = tmp_path_factory.mktemp("weights")
    write_random_model(folder)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of one study with three drawn slices, and its key in `keys` beside it."""
    folder = tmp_path / "store"
    slices = []
    for number in range(3):
        path = folder / f"studies/s1/sagittal/{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), draw_spine(seed=number)[0])
        slices.append(str(path.relative_to(folder)))
    (tmp_path / "keys").mkdir()
    key = {"slices": slices, "scout": None, "plane": "sagittal", "smart_box": True}
    (tmp_path / "keys" / f"{KEY}.json").write_text(json.dumps(key), encoding="utf-8")
    return folder
