"""What a process of a round gets of its starter's environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.rounds.executors import Condition, Work
from backend.rounds.executors.local import LocalExecutor
from tests.waiting import until


def test_a_trainer_gets_neither_our_secrets_nor_our_way_with_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISCLOOP_API_TOKEN", "MALLOC_MMAP_THRESHOLD_", "KEPT"):
        monkeypatch.setenv(name, "1")
    says = "import os, sys; open(sys.argv[1], 'w').write(' '.join(os.environ))"
    out = tmp_path / "names"
    executor = LocalExecutor()
    executor.start(
        tmp_path, "trainer", Work(template=f'{{python}} -c "{says}" {{out}}', reads={}, files={}, out=out)
    )
    until(
        lambda: executor.status(tmp_path, "trainer").condition is Condition.ENDED,
        within_s=60,
        what="the process ended",
    )
    names = out.read_text().split()
    assert "KEPT" in names
    assert not [name for name in names if name.startswith(("DISCLOOP_", "MALLOC_"))]
