"""The three services of the local stack: command, environment, where each says that it is ready."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from discloop.credentials import Secrets
from discloop.home import Home
from discloop.stack import environment
from discloop.stack.ports import Ports
from discloop.stack.rounds import DEFAULT_ROUNDS, Rounds
from domain.errors import DiscLoopError

MODULE = ("-P", "-m")
"""Run a module, and never one that happens to lie in the folder the user stands in."""


@dataclass(frozen=True)
class Service:
    """A process that the supervisor keeps running."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: dict[str, str]
    url: str
    log: Path

    @property
    def ready_url(self) -> str:
        return f"{self.url}/ready"


def label_studio_python() -> Path:
    """The interpreter of Label Studio's own environment.

    Raises:
        DiscLoopError: If set-up has not made it.
    """
    named = os.environ.get("DISCLOOP_LABEL_STUDIO_PYTHON")
    python = Path(named) if named else Path(sys.prefix).parent / ".venv-ls" / "bin" / "python"
    if not python.exists():
        raise DiscLoopError(
            f"expected Label Studio's environment at {python}: run make setup, "
            "or name its interpreter in DISCLOOP_LABEL_STUDIO_PYTHON"
        )
    return python


def local_services(
    home: Home, ports: Ports, secrets: Secrets, rounds: Rounds = DEFAULT_ROUNDS
) -> tuple[Service, ...]:
    """Label Studio first: it takes the longest to start."""
    ours = sys.executable
    return (
        Service(
            name="label-studio",
            title="Label Studio",
            command=(
                str(label_studio_python()),
                *MODULE,
                "label_studio_guard.serve",
                "--port",
                str(ports.label_studio),
            ),
            environment=environment.label_studio(home, ports, secrets),
            url=ports.label_studio_url,
            log=home.logs / "label-studio.log",
        ),
        Service(
            name="backend",
            title="Backend",
            command=(ours, *MODULE, "backend.serve", "--port", str(ports.backend)),
            environment=environment.backend(home, ports, secrets, rounds),
            url=ports.backend_url,
            log=home.logs / "backend.log",
        ),
        Service(
            name="ml-backend",
            title="ML backend",
            command=(ours, *MODULE, "ml_backend.serve", "--port", str(ports.ml)),
            environment=environment.ml_backend(home, ports, secrets),
            url=ports.ml_url,
            log=home.logs / "ml-backend.log",
        ),
    )
