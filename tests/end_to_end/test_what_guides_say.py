"""The guides' commands, as they stand, in their order, on a running stack."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.stack import Demo

pytestmark = pytest.mark.label_studio
DISCLOOP = Path(sys.executable).with_name("discloop")
GUIDE = Path(__file__).parents[2] / "docs" / "guide"
PLACEHOLDER = re.compile(r"\b[a-z]-1234abcd\b")
NOT_HERE = {
    "up": "it runs already",
    "down": "other tests go on with it",
    "upgrade": "wants a stack that is down: tests/discloop/commands/test_upgrade.py",
    "round plan": "wants new consensus: test_played_turn.py",
    "calibrate set": "wants the lead's own key: tests/backend/calibrations",
    "curate /data/export": "wants the reader's own DICOM: tests/test_readme.py",
}
"""What needs no server (blocks of `sh`) is what the README shows, and runs in its test."""


def commands(guide: str) -> list[list[str]]:
    """The words after `discloop` of every line that can run here."""
    text = (GUIDE / guide).read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```console\n(.*?)```", text, re.DOTALL)).splitlines()
    found = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith(".venv/bin/discloop")]
    return [
        words
        for words in found
        if not any(" ".join(words).startswith(one) for one in NOT_HERE)
        and not PLACEHOLDER.search(" ".join(words))
    ]


@pytest.mark.parametrize("guide", ["engineer.md", "operator.md"])
def test_the_commands_run_as_they_stand(demo: Demo, tmp_path: Path, guide: str) -> None:
    (tmp_path / "my-study").symlink_to(demo.home.root)
    (tmp_path / "backup.key").write_text(os.urandom(32).hex())
    run = commands(guide)
    assert len(run) >= 6
    for words in run:
        here = [word.replace("/mnt/backups", str(tmp_path)) for word in words]
        done = subprocess.run([DISCLOOP, *here], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stderr[-1500:]}"
