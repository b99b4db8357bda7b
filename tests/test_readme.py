"""The README says what is: its commands run, those of a server exist with their options, links lead on."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from discloop import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def lines(kind: str) -> list[list[str]]:
    """The commands of the fenced blocks of a kind: `sh` is run here, `console` is for a running stack."""
    blocks = re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    return [
        words
        for block in blocks
        for line in block.splitlines()
        if (words := shlex.split(line, comments=True))
    ]


def of_discloop(kind: str) -> list[list[str]]:
    return [words[1:] for words in lines(kind) if words[0] == ".venv/bin/discloop"]


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.run([*words, "--help"]) == 0
    return capsys.readouterr().out


def test_the_blocks_are_found() -> None:
    assert len(lines("sh")) >= 6
    assert len(of_discloop("console")) >= 5


def test_make_lines_name_targets_and_their_variables() -> None:
    for _, target, *variables in [words for words in lines("sh") if words[0] == "make"]:
        assert target in TARGETS
        assert [v for v in variables if f"$({v.split('=')[0]})" not in MAKEFILE] == []


def test_what_needs_no_server_runs_as_it_stands(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    for words in of_discloop("sh"):
        done = subprocess.run(
            [sys.executable, "-m", "discloop", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-2000:]}"
    assert (tmp_path / "my-study" / "store" / "manifest.jsonl").exists()
    assert "<html" in (tmp_path / "agreement.html").read_text(encoding="utf-8")


def test_what_needs_a_server_exists_with_its_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for words in of_discloop("console"):
        shown = help_of([word for word in words if word != "--help"][: _depth(words)], capsys)
        assert [word for word in words if word.startswith("--") and word not in shown] == []


def _depth(words: list[str]) -> int:
    return 2 if len(words) > 1 and not words[1].startswith("-") else 1


def test_shell_lines_name_files_that_are_there() -> None:
    named = [word for words in lines("console") for word in words if word.startswith("docker/")]
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_every_link_leads_somewhere() -> None:
    linked = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if not path.startswith("http")]
    assert any(path.endswith(".png") for path in linked)
    assert [path for path in linked if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_takes_json(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = help_of([name], capsys)
    listed = shown.split(" Commands ")[1] if " Commands " in shown else ""
    below = re.findall(r"^│ (\w[\w-]*) ", listed, re.MULTILINE)
    for words in [[name, each] for each in below] or [[name]]:
        assert "--json" in help_of(words, capsys), " ".join(words)
