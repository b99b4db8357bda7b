"""The command line: quick help, one line an error, one exit code a kind."""

from __future__ import annotations

import subprocess
import sys

import pytest

from discloop import cli


def discloop(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "discloop", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("arguments", [("--help",), ()])
def test_help_names_every_command(arguments: tuple[str, ...]) -> None:
    shown = discloop(*arguments)
    assert shown.returncode == 0
    assert [name for name in cli.COMMANDS if name not in shown.stdout] == []


def test_help_loads_no_service() -> None:
    code = (
        "import sys\nfrom discloop.cli import run\nrun(['--help'])\n"
        "heavy = {'torch','numpy','fastapi','sqlmodel','httpx','pydicom'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nope"], "nope"),
        (["up", "--nope"], "--nope"),
        (["up", "--port-backend", "http"], "--port-backend"),
        (["up", "--port-backend", "0"], "--port-backend"),
    ],
)
def test_a_wrong_use_is_one_line_and_exit_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert named in said.err


def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "curate", cli.Command("data_curation.absent", "app", "curation", ""))
    assert cli.run(["curate"]) == 2
    assert "discloop[curation]" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == "0.1.0"
