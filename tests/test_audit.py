"""The audit of the locks: what is known fails it, and what could not be checked never passes for checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import audit

SAFE = {"name": "one", "version": "1.0", "vulns": []}
KNOWN = {"name": "two", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "three", "skip_reason": "not found"}


def answering(answer: dict[str, Any] | None) -> Callable[..., list[str]]:
    """In place of pip-audit: a command that writes this, or ends as without network."""
    if answer is None:
        return lambda *_: [sys.executable, "-c", "import sys; sys.exit('no such host')"]
    text = json.dumps(answer)
    return lambda _lock, out, *_: [sys.executable, "-c", f"open({str(out)!r}, 'w').write({text!r})"]


@pytest.mark.parametrize(
    ("answer", "end", "words"),
    [
        ({"dependencies": [SAFE]}, audit.NOTHING, "no known vulnerability in 1 packages"),
        ({"dependencies": [SAFE, KNOWN]}, audit.FOUND, "two 2.0: CVE-1, mended in 2.1"),
        ({"dependencies": [SAFE, SKIPPED]}, audit.UNCHECKED, "NOT CHECKED: three"),
        ({"dependencies": []}, audit.UNCHECKED, "NOT CHECKED: no package"),
        (None, audit.UNCHECKED, "NOT CHECKED, no network? no such host"),
    ],
)
def test_what_was_not_checked_is_not_called_safe(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any] | None, end: int, words: str
) -> None:
    monkeypatch.setattr(audit, "command_of", answering(answer))
    ended, said = audit.audit(Path("venv.txt"))
    assert (ended, words in said) == (end, True), said


@pytest.mark.parametrize(("must_check", "code"), [([], 0), (["--must-check"], 2)])
def test_without_network_lint_goes_on_and_the_audit_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], must_check: list[str], code: int
) -> None:
    monkeypatch.setattr(audit, "command_of", answering(None))
    monkeypatch.setattr(sys, "argv", ["audit", *must_check])
    assert audit.main() == code
    assert capsys.readouterr().err.count("NOT CHECKED") == len(audit.LOCKS)
