"""A backend in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from backend.settings import Settings
from tests.waiting import free_ports, until

Process = subprocess.Popen[bytes]
ROOT = Path(__file__).parents[2]


def environment_of(settings: Settings, **changed: str) -> dict[str, str]:
    """The settings as a process gets them."""
    shown = settings.model_dump(mode="python") | changed
    said = {
        name: getattr(value, "get_secret_value", lambda value=value: value)() for name, value in shown.items()
    }
    return {**os.environ, **{f"DISCLOOP_{name.upper()}": str(value) for name, value in said.items()}}


@contextmanager
def backend_process(
    settings: Settings, log: Path, **changed: str
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start `python -m backend.serve`; the process and its address. Killed at the end if it still runs."""
    (port,) = free_ports(1)
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.serve", "--port", str(port)],
            cwd=ROOT,
            env=environment_of(settings, **changed),
            stdout=errors,
            stderr=errors,
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_until_live(process: Process, address: str) -> None:
    """Return when it answers."""

    def answers() -> bool:
        assert process.poll() is None, f"the backend ended with {process.returncode}"
        try:
            return httpx.get(f"{address}/live").is_success
        except httpx.TransportError:
            return False

    until(answers, within_s=120, what="the backend answers")
