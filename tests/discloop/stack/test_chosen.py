"""A home's settings: from its file, over that the environment; a slip stops the start and is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from discloop import cli
from discloop.credentials import Secrets
from discloop.home import Home
from discloop.stack import environment
from discloop.stack.chosen import FILE, OF_THE_HOME, OF_THE_ML_BACKEND, chosen
from discloop.stack.ports import Ports
from domain.environment import SERVICES
from domain.errors import DiscLoopError


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.at(tmp_path / "home")
    made.create()
    return made


def write(home: Home, text: str) -> None:
    (home.root / FILE).write_text(text, encoding="utf-8")


def test_the_environment_goes_before_the_file(home: Home) -> None:
    write(home, 'free_gb = 5\ntimezone = "Asia/Shanghai"\nml_threads = 2\n')
    told = chosen(home, {"DISCLOOP_FREE_GB": "7", "DISCLOOP_HOME": "elsewhere", "PATH": "/bin"})
    assert told == {
        "DISCLOOP_FREE_GB": "7",
        "DISCLOOP_TIMEZONE": "Asia/Shanghai",
        "DISCLOOP_ML_THREADS": "2",
    }


def test_services_are_told_what_was_chosen(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'session_hours = 8\nml_queue = 16\nlanguage = "zh"\n')
    monkeypatch.setenv("DISCLOOP_ROUNDS_FREE_GB", "20")
    secrets = Secrets.generate()
    for told in (
        environment.backend(home, Ports(), secrets),
        environment.ml_backend(home, Ports(), secrets),
    ):
        assert told["DISCLOOP_SESSION_HOURS"] == "8"
        assert told["DISCLOOP_ML_QUEUE"] == "16"
        assert told["DISCLOOP_ROUNDS_FREE_GB"] == "20"
    told = environment.label_studio(home, Ports(), secrets)
    assert told["DISCLOOP_LANGUAGE"] == "zh"
    assert "DISCLOOP_SESSION_HOURS" not in told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fre_gb = 5", "settings.toml: fre_gb: no such setting"),
        ("free_gb = -1", "settings.toml: free_gb: Input should be greater than or equal to 0"),
        ('timezone = "Mars/Olympus"', "settings.toml: timezone: expected an IANA time zone"),
        ('api_token = "x"', "settings.toml: api_token: the local stack sets it itself"),
        ("free_gb", "settings.toml: expected lines like free_gb = 5"),
    ],
)
def test_a_slip_in_the_file_stops_the_start_in_one_line(
    home: Home, capfd: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    write(home, text + "\n")
    assert cli.run(["up", "--home", str(home.root)]) == 2
    said = capfd.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DISCLOOP_SESION_HOURS", "8", "no such setting, DISCLOOP_SESSION_HOURS is near"),
        ("DISCLOOP_SESSION_HOURS", "soon", "valid number"),
        ("DISCLOOP_STORE", "/elsewhere", "the local stack sets it itself"),
    ],
)
def test_a_slip_in_the_environment_is_named_without_its_value(
    home: Home, name: str, value: str, words: str
) -> None:
    with pytest.raises(DiscLoopError, match=f"{name}: .*{words}") as refused:
        chosen(home, {name: value})
    assert value not in str(refused.value).replace(name, "").replace("DISCLOOP_SESSION_HOURS", "")


def test_every_setting_is_the_homes_or_a_choice(home: Home) -> None:
    assert {name.upper() for name in OF_THE_HOME} < SERVICES
    assert {name.upper() for name in OF_THE_ML_BACKEND} < SERVICES
