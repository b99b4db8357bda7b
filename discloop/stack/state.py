"""What the supervisor tells other commands: `stack.json`, rewritten whole at every change."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from discloop.atomic import write_text
from discloop.home import Home
from domain.errors import DiscLoopError


class Condition(StrEnum):
    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class ServiceState(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    url: str
    log: str
    pid: int | None = None
    condition: Condition = Condition.STARTING
    restarts: int = 0


class StackState(BaseModel):
    model_config = ConfigDict(extra="forbid")

    pid: int
    started: str
    services: dict[str, ServiceState]

    @property
    def ready(self) -> bool:
        return all(service.condition is Condition.READY for service in self.services.values())

    def save(self, file: Path) -> None:
        write_text(file, self.model_dump_json(indent=1) + "\n", mode=0o600)


def read(home: Home) -> StackState | None:
    """The running stack of this home, or None. A file that a killed supervisor left does not count."""
    if not is_running(home):
        return None
    try:
        return StackState.model_validate_json(home.stack_state.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def is_running(home: Home) -> bool:
    """Whether a supervisor holds this home."""
    try:
        descriptor = os.open(home.stack_lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def held(home: Home) -> Iterator[None]:
    """Hold the home for one stack; the kernel lets go of it however this process ends.

    Raises:
        DiscLoopError: If another stack holds it.
    """
    descriptor = os.open(home.stack_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DiscLoopError(
                f"--home {home.root}: a stack runs on it already; discloop down stops it, "
                "or choose another home and other ports"
            ) from error
        yield
    finally:
        os.close(descriptor)
