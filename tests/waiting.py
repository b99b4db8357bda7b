"""Waiting for a state instead of for a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T | None], *, within_s: float, what: str) -> T:
    """The first truthy answer of `look`; fails with `what` when none comes in time."""
    deadline = time.monotonic() + within_s
    while not (answer := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)
    return answer


def appears(look: Callable[[], object], *, within_s: float) -> bool:
    """Whether `look` gives a truthy answer in time."""
    try:
        until(look, within_s=within_s, what="")
    except AssertionError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
