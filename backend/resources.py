"""What a request may use: settings, clock, transactions, the other services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from backend.clock import Clock, utc_now
from backend.database import Database
from backend.outside import Outside
from backend.settings import Settings


class Bell:
    """Wakes every listener of this process."""

    def __init__(self) -> None:
        self._listeners: list[Event] = []

    def listen(self) -> Event:
        """An event that the next ring sets; the listener clears it."""
        listener = Event()
        self._listeners.append(listener)
        return listener

    def ring(self) -> None:
        """Wake them."""
        for listener in self._listeners:
            listener.set()


@dataclass(frozen=True)
class Resources:
    """Everything made once a process. Held in `app.state.resources`."""

    settings: Settings
    database: Database
    outside: Outside
    clock: Clock = utc_now
    bell: Bell = field(default_factory=Bell)
    """Lets the background jobs look for work at once."""


def resources_of(request: Request) -> Resources:
    """The process's resources."""
    resources: Resources = request.app.state.resources
    return resources


Using = Annotated[Resources, Depends(resources_of)]
"""All of them."""


def _writing(resources: Using) -> Iterator[Session]:
    with resources.database.writing() as session:
        yield session
    resources.bell.ring()


def _reading(resources: Using) -> Iterator[Session]:
    with resources.database.reading() as session:
        yield session


# Function scope: the commit happens before the answer leaves, so what was answered is kept.
Writing = Annotated[Session, Depends(_writing, scope="function")]
"""The request's one writing transaction."""

Reading = Annotated[Session, Depends(_reading, scope="function")]
"""A transaction that only looks."""
