"""Starting the process."""

from __future__ import annotations

import subprocess
import sys

from tests.backend.processes import ROOT


def test_without_settings_it_says_in_one_line_what_is_missing() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "backend.serve"], cwd=ROOT, env={}, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    for key in ("DISCLOOP_DATABASE_URL", "DISCLOOP_GUARD_SECRET", "DISCLOOP_KEYS"):
        assert f"{key}: not set" in ended.stderr
