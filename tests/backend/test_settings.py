"""No process starts on a missing or made-up secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.settings import load_settings
from domain.errors import DiscLoopError

SECRETS = ("GUARD_SECRET", "ASSERTION_KEY", "SERVICE_TOKEN", "API_TOKEN", "ML_PASSWORD")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Everything a process needs."""
    for name in ("STORE", "KEYS", "WEIGHTS", "ROUNDS"):
        monkeypatch.setenv(f"DISCLOOP_{name}", str(tmp_path))
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_PUBLIC_URL", "PUBLIC_URL", "ML_URL"):
        monkeypatch.setenv(f"DISCLOOP_{name}", "http://127.0.0.1:8081/")
    for name in SECRETS:
        monkeypatch.setenv(f"DISCLOOP_{name}", "3f9a1c7e5b2d8046af13")
    monkeypatch.setenv("DISCLOOP_DATABASE_URL", "sqlite:///backend.sqlite3")
    return monkeypatch


def test_reads_the_environment(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.callback == "http://127.0.0.1:8081/auth/callback"
    assert "3f9a1c7e5b2d8046af13" not in repr(settings)


@pytest.mark.parametrize("name", [*SECRETS, "STORE", "PUBLIC_URL", "DATABASE_URL"])
def test_names_what_is_missing(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(f"DISCLOOP_{name}")
    with pytest.raises(DiscLoopError, match=f"DISCLOOP_{name}: not set"):
        load_settings()


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["changeme-changeme-change", "Secret-0123456789abcde", "short", "a" * 40])
def test_refuses_placeholders_without_repeating_them(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"DISCLOOP_{name}", value)
    with pytest.raises(DiscLoopError, match=f"DISCLOOP_{name}: ") as refused:
        load_settings()
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DISCLOOP_SESION_HOURS", "8", "no such setting, DISCLOOP_SESSION_HOURS is near"),
        ("DISCLOOP_TIMEZONE", "Mars/Olympus", "expected an IANA time zone"),
        ("DISCLOOP_SESSION_HOURS", "0", "greater than 0"),
    ],
)
def test_names_what_is_unknown_or_wrong(
    environment: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(DiscLoopError, match=f"{name}: .*{words}"):
        load_settings()
