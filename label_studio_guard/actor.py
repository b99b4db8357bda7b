"""Whose request this thread is serving: the actor of what it saves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_actor: ContextVar[str | None] = ContextVar("discloop_actor", default=None)


def set_actor(name: str | None) -> None:
    """From here on, until the request ends."""
    _actor.set(name)


def current_actor() -> str | None:
    """A person's id, `service`, or None: nobody's request."""
    return _actor.get()


@contextmanager
def acting(name: str | None) -> Iterator[None]:
    """Name the actor for a block, and forget them after it."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)
