"""Every rule of the guard is needed: without it, the probes find something."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.label_studio import PYTHON, ROOT, prepared_label_studio
from tests.label_studio_guard.ml_stub import running_ml_stub

pytestmark = pytest.mark.label_studio
SCRIPT = "tests.label_studio_guard.mutants"


def run_in_process(script: str, folder: Path, *arguments: str) -> Any:
    """Run a module with a guarded Label Studio in its own process; its answer."""
    site = prepared_label_studio(folder)
    done = subprocess.run(
        [str(PYTHON), "-m", script, *arguments],
        cwd=ROOT,
        env=dict(site.environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, f"{script} failed:\n{done.stderr[-6000:]}"
    return json.loads(lines[-1].removeprefix("RESULT "))


def test_no_rule_can_be_taken_away_unnoticed(tmp_path: Path) -> None:
    with running_ml_stub() as ml:
        results = run_in_process(SCRIPT, tmp_path, ml.url)
    assert len(results) > 50
    wrong_before = {name: found["intact"] for name, found in results.items() if found["intact"]}
    unnoticed = sorted(name for name, found in results.items() if not found["gone"])
    assert not wrong_before
    assert unnoticed == []
