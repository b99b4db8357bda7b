"""The two environments: who owns `cv2/`, which Label Studio, whether its interpreter is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from discloop.doctor.findings import Finding, ok, problem
from discloop.stack.services import label_studio_python
from domain.errors import DiscLoopError
from label_studio_guard import LABEL_STUDIO

ASK = (
    "import json; from importlib.metadata import packages_distributions as p, version as v; "
    "print(json.dumps([v('label-studio'), sorted(set(p().get('cv2', [])))]))"
)
LONGEST_SECONDS = 60.0


def examine() -> Iterator[Finding]:
    """Both environments."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield ok("python", f"{python} at {sys.prefix}")
    yield _one_owner("cv2", ".venv", sorted(set(packages_distributions().get("cv2", []))))
    yield from label_studio_findings()


def label_studio_findings() -> Iterator[Finding]:
    """Label Studio's environment."""
    try:
        interpreter = label_studio_python()
        found, owners = _ask(interpreter)
    except DiscLoopError as error:
        yield problem("label-studio-environment", str(error), "run make setup")
        return
    yield _one_owner("cv2-label-studio", ".venv-ls", owners)
    yield label_studio_version(found)


def label_studio_version(found: str) -> Finding:
    """Only the version that the guard was tested with starts."""
    if found == LABEL_STUDIO:
        return ok("label-studio-version", found)
    return problem(
        "label-studio-version",
        f"{found}; the guard was tested with {LABEL_STUDIO} only, and refuses to start on another",
        f"install label-studio=={LABEL_STUDIO} (make setup does), or wait for a DiscLoop that names {found}",
    )


def _one_owner(check: str, environment: str, owners: list[str]) -> Finding:
    """Two packages that own `cv2/` overwrite each other; the last one installed wins silently."""
    if len(owners) <= 1:
        return ok(check, f"{environment}: {owners[0] if owners else 'nobody'} owns cv2/")
    return problem(
        check,
        f"{environment}: {' and '.join(owners)} both own cv2/",
        f"uninstall both from {environment}, then run make setup: opencv-python-headless alone stays",
    )


def _ask(interpreter: Path) -> tuple[str, list[str]]:
    try:
        done = subprocess.run(
            [str(interpreter), "-P", "-c", ASK],
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST_SECONDS,
        )
        version, owners = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise DiscLoopError(f"{interpreter}: has no Label Studio ({type(error).__name__})") from error
    return str(version), list(owners)
