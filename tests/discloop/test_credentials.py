"""Secrets are made once, kept private, and refused where others could have read them."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from discloop import credentials
from discloop.home import Home
from discloop.stack import environment
from discloop.stack.ports import Ports
from domain.errors import DiscLoopError


def test_they_are_made_once_for_the_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = credentials.load_or_generate(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert credentials.load_or_generate(file) == first
    values = {str(value) for name, value in first.model_dump().items() if name != "people"}
    assert len(values) == 6
    assert not any(value in repr(first) for value in values)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    credentials.load_or_generate(file)
    file.chmod(0o644)
    with pytest.raises(DiscLoopError, match="expected mode 600, found 644"):
        credentials.load(file)


def test_a_damaged_file_names_the_field(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    secrets = json.loads(credentials.Secrets.generate().model_dump_json())
    file.write_text(json.dumps(secrets | {"api_token": "short"}))
    file.chmod(0o600)
    with pytest.raises(DiscLoopError, match="api_token"):
        credentials.load(file)


def test_a_process_gets_only_the_secrets_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "of the user")
    home, secrets = Home.at(tmp_path), credentials.Secrets.generate()
    guard = environment.label_studio(home, Ports(), secrets)
    backend = environment.backend(home, Ports(), secrets)
    ml = environment.ml_backend(home, Ports(), secrets)
    held = secrets.model_dump(exclude={"people"})

    def names(given: dict[str, str]) -> set[str]:
        return {name for name, value in held.items() if value in given.values()}

    assert names(guard) == {"guard_secret", "assertion_key", "service_token", "django_secret_key"}
    assert names(backend) == set(held) - {"django_secret_key"}
    assert names(ml) == {"ml_password"}
    assert not any("SOME_TOKEN" in given for given in (guard, backend, ml))
