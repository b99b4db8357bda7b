"""The one base error: what was expected, what came, and where; and how an error is told in a log."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

FRAMES = 8


class DiscLoopError(Exception):
    """A wrong input that the person who gave it can mend. Commands exit 2 with its one line."""


def kinds_and_places(error: BaseException | None) -> list[str]:
    """Of an exception and those that led to it: what each is and where it was raised, not what it says.

    Messages of libraries repeat what they were given: a reading, a row, an address. Ours are written for logs
    and are told.
    """
    return [_kind_and_place(one) for one in _chain(error)]


def without_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: of an exception what it is and where it was raised, not what it says."""
    error = event.pop("exc_info", None)
    if not error:
        return event
    if not isinstance(error, BaseException):
        error = error[1] if isinstance(error, tuple) else sys.exc_info()[1]
    event["exception"] = kinds_and_places(error)
    return event


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _kind_and_place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
    message = f": {error}" if isinstance(error, DiscLoopError) else ""
    return f"{type(error).__name__}{message} at {where}"
