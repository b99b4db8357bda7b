"""The README says what is: its commands exist with their options, its files are there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from discloop.cli import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def help_of(*words: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "discloop", *words, "--help"],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "200", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_there_are_commands_to_check() -> None:
    assert len(LINES) >= 10


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("make ")])
def test_a_make_line_names_a_target_and_its_variables(line: str) -> None:
    _, target, *variables = shlex.split(line)
    assert target in TARGETS
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [v for v in variables if f"$({v.split('=')[0]})" not in makefile] == []


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(".venv/bin/discloop")])
def test_a_discloop_line_names_a_command_and_its_options(line: str) -> None:
    words = shlex.split(line)[1:]
    commands = [words[0], *([words[1]] if words[0] in ("people", "worklists", "round", "import") else [])]
    assert words[0] in COMMANDS
    shown = help_of(*commands)
    assert [word for word in words if word.startswith("--") and word not in shown] == []


@pytest.mark.parametrize("line", [line for line in LINES if "docker/" in line])
def test_a_shell_line_names_a_file_that_is_there(line: str) -> None:
    named = re.findall(r"docker/[\w./-]+", line)
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_link_leads_somewhere() -> None:
    linked = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if not path.startswith("http")]
    assert "docs/pictures/reading-sagittal.png" in linked
    assert [path for path in linked if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_json(name: str) -> None:
    shown = help_of(name)
    below = (
        re.findall(r"^│ (\w[\w-]*) ", shown.split("Commands")[-1], re.MULTILINE)
        if "Commands" in shown
        else []
    )
    for words in [(name, sub) for sub in below] or [(name,)]:
        assert "--json" in help_of(*words), " ".join(words)
