"""The whole local stack as a user starts it: `discloop demo`, over a folder of the test's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discloop import credentials
from discloop.backend_client import BackendClient
from discloop.home import Home
from discloop.stack import state
from discloop.stack.state import Condition
from tests.label_studio import migrated_template
from tests.waiting import free_ports, until

START_S = 400.0


@dataclass(frozen=True)
class SignIn:
    id: str
    email: str
    role: str
    password: str


@dataclass
class Demo:
    """A running `discloop demo`."""

    home: Home
    process: subprocess.Popen[bytes]
    label_studio: str
    backend: str
    sign_ins: list[SignIn]
    client: BackendClient
    """The engineer's API, patient while the backend is started anew."""

    def of_role(self, role: str) -> list[SignIn]:
        """Who has this role."""
        return [one for one in self.sign_ins if one.role == role]

    def kill(self, service: str) -> None:
        """Kill a service as a power cut would; the supervisor starts it anew."""
        stack = state.read(self.home)
        pid = stack.services[service].pid if stack else None
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def is_ready(self, service: str) -> bool:
        """Whether the supervisor calls the service ready."""
        stack = state.read(self.home)
        return stack is not None and stack.services[service].condition is Condition.READY

    def wait_ready(self) -> None:
        """Until every service is ready."""

        def ready() -> bool:
            stack = state.read(self.home)
            return stack is not None and all(s.condition is Condition.READY for s in stack.services.values())

        until(ready, within_s=120, what="every service ready")


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[Demo]:
    """`discloop demo --json` with these options, ready; ended by a signal at the end.

    Label Studio's database is migrated already, to save the half minute of a first start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = Home.at(folder / "home")
    home.create()
    if not any(home.label_studio.iterdir()):
        shutil.copytree(migrated_template(), home.label_studio, dirs_exist_ok=True)
    names = ("--port-label-studio", "--port-backend", "--port-ml")
    ports = [word for name, port in zip(names, free_ports(3), strict=True) for word in (name, str(port))]
    said, errors = folder / "demo.jsonl", folder / "demo.log"
    with said.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "discloop", "demo", "--json", "--home", str(home.root), *ports, *options],
            stdout=out,
            stderr=err,
            stdin=subprocess.DEVNULL,
        )
    try:

        def ready() -> dict[str, Any] | None:
            assert process.poll() is None, errors.read_text()[-3000:]
            lines = said.read_text().splitlines()
            return json.loads(lines[0]) if lines else None

        report = until(ready, within_s=START_S, what="the demo ready")
        backend = report["addresses"]["backend"]
        token = credentials.load(home.secrets).api_token
        with closing(BackendClient(backend, token, patience_s=60)) as client:
            yield Demo(
                home=home,
                process=process,
                label_studio=report["addresses"]["label-studio"],
                backend=backend,
                sign_ins=[SignIn(**one) for one in report["sign_ins"]],
                client=client,
            )
    finally:
        process.terminate()
        process.wait(90)
