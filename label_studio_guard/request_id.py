"""One name for a request in the logs of all services: taken over from the backend, or made here."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

HEADER = "X-Request-ID"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_current: ContextVar[str] = ContextVar("request_id", default="-")


def named(application: Application) -> Application:
    """The WSGI application, each of its requests with a name, which the answer bears too."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request_id = _taken_over(environ.get("HTTP_X_REQUEST_ID"))
        # Never reset: a thread serves one request at a time, and an answer may be streamed after this.
        _current.set(request_id)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *error)

        return application(environ, start)

    return serve


class Named(logging.Filter):
    """Lets every line through, with the name of the request that it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put it on the record."""
        record.request_id = _current.get()
        return True


def _taken_over(given: str | None) -> str:
    """A caller's name only where it is a UUID: it goes to the logs."""
    try:
        return str(uuid.UUID(given)) if given else str(uuid.uuid4())
    except ValueError:
        return str(uuid.uuid4())
