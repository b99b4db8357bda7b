"""Looks for known vulnerabilities of what the locks pin: `python -m tests.audit [--must-check]`.

pip-audit asks the OSV database about names and versions; nothing is installed or resolved. Exit 1 where
something is known. Without network nothing was checked: that is said, and with `--must-check` it is exit 2.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

AUDITOR = "pip-audit==2.10.1"
LOCKED = Path(__file__).parents[1] / "requirements"
LOCKS = ("venv.txt", "venv-ls.txt")
ACCEPTED = LOCKED / "audit-accepted.txt"
"""Ids that were looked at and do not concern us, one a line, each with its reason after `#`."""
LONGEST_S = 600.0
NOTHING, FOUND, UNCHECKED = 0, 1, 2


def command_of(lock: Path, out: Path, extra: Sequence[str] = ()) -> list[str]:
    """pip-audit over one lock, answering JSON into `out`."""
    runner = [str(Path(sys.executable).parent / "uv"), "tool", "run", "--from", AUDITOR, "pip-audit"]
    ignored = [word for one in accepted() for word in ("--ignore-vuln", one)]
    options = ["--no-deps", "--disable-pip", "--vulnerability-service", "osv", "--progress-spinner", "off"]
    return [*runner, "-r", str(lock), *options, *ignored, "--format", "json", "--output", str(out), *extra]


def accepted() -> list[str]:
    """The ids in `audit-accepted.txt`."""
    lines = ACCEPTED.read_text(encoding="utf-8").splitlines() if ACCEPTED.exists() else []
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def audit(lock: Path, extra: Sequence[str] = ()) -> tuple[int, str]:
    """How it ended, and a line a finding or the reason why nothing was checked."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.json"
        try:
            done = subprocess.run(
                command_of(lock, out, extra), capture_output=True, text=True, timeout=LONGEST_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return UNCHECKED, f"{lock.name}: NOT CHECKED: {type(error).__name__}"
        if not out.exists() or not out.stat().st_size:
            said = done.stderr.strip().splitlines() or ["pip-audit gave no answer"]
            return UNCHECKED, f"{lock.name}: NOT CHECKED, no network? {said[-1].strip()[:200]}"
        return judged(lock.name, json.loads(out.read_text(encoding="utf-8")))


def judged(name: str, answer: dict[str, Any]) -> tuple[int, str]:
    """pip-audit's answer in words. A package it skipped was not checked."""
    packages = answer["dependencies"]
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    found = [
        f"{name}: {one['name']} {one['version']}: {known['id']}, mended in "
        + (", ".join(known["fix_versions"]) or "no version yet")
        for one in packages
        for known in one.get("vulns", ())
    ]
    if found:
        return FOUND, "\n".join(found)
    if skipped or not packages:
        return UNCHECKED, f"{name}: NOT CHECKED: {', '.join(skipped) or 'no package'}"
    return NOTHING, f"{name}: no known vulnerability in {len(packages)} packages"


def main() -> int:
    """Audit both locks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--must-check", action="store_true", help="exit 2 where nothing could be checked")
    given = parser.parse_args()
    ends = [audit(LOCKED / lock) for lock in LOCKS]
    for _end, words in ends:
        sys.stderr.write(f"audit: {words}\n")
    codes = {end for end, _words in ends}
    if FOUND in codes:
        return FOUND
    return UNCHECKED if UNCHECKED in codes and given.must_check else NOTHING


if __name__ == "__main__":
    sys.exit(main())
