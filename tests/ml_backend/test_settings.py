"""The service refuses to start without what it needs, naming the key and never the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DiscLoopError
from ml_backend.settings import load_settings
from ml_backend.weights import BUNDLED


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("STORE", "KEYS"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"DISCLOOP_{name}", str(tmp_path / name))
    monkeypatch.setenv("DISCLOOP_ML_PASSWORD", "kLq72-wet-Anvil-09")
    monkeypatch.delenv("DISCLOOP_WEIGHTS", raising=False)
    return monkeypatch


def test_the_bundled_model_serves_unless_another_folder_is_a_model(
    environment: pytest.MonkeyPatch, tmp_path: Path, tiny_weights: Path
) -> None:
    assert load_settings().first_model == BUNDLED
    environment.setenv("DISCLOOP_WEIGHTS", str(tmp_path))
    assert load_settings().first_model == BUNDLED
    environment.setenv("DISCLOOP_WEIGHTS", str(tiny_weights))
    assert load_settings().first_model == tiny_weights


@pytest.mark.parametrize("password", ["", "short", "changeme-changeme", "aaaaaaaaaaaaaaaaaaaa"])
def test_a_placeholder_is_no_password(environment: pytest.MonkeyPatch, password: str) -> None:
    environment.setenv("DISCLOOP_ML_PASSWORD", password)
    with pytest.raises(DiscLoopError, match="DISCLOOP_ML_PASSWORD") as refused:
        load_settings()
    assert not password or password not in str(refused.value)


def test_all_that_is_missing_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("DISCLOOP_STORE")
    environment.setenv("DISCLOOP_KEYS", "/nowhere/at/all")
    with pytest.raises(DiscLoopError, match=r"DISCLOOP_STORE: not set; DISCLOOP_KEYS: a folder"):
        load_settings()
