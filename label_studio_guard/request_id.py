"""One name for a request in the logs of all services: taken over from the backend, or made here.

The lines say what was asked for by its route, and of an exception what it is and where it was raised.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any

from domain.errors import kinds_and_places

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
    """Lets every line through, with the name of the request that it belongs to and without what was sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; a second handler finds nothing more to change."""
        record.request_id = _current.get()
        request = getattr(record, "request", None)
        if request is not None:
            # Django says the path, or what was wrong with a header in the header's words.
            what = record.args[0] if isinstance(record.args, tuple) and record.args else "refused"
            route = request.resolver_match.route if request.resolver_match else "no such route"
            record.msg, record.args = "%s: %s %s", (what, request.method, route)
            record.__dict__["request"] = None
        if record.exc_info:
            what = record.getMessage() if request is not None else "failed"
            told = " < ".join(kinds_and_places(record.exc_info[1]))
            record.msg, record.args = "%s: %s", (what, told)
            record.exc_info = record.exc_text = None
        return True


def _taken_over(given: str | None) -> str:
    """A caller's name only where it is a UUID: it goes to the logs."""
    try:
        return str(uuid.UUID(given)) if given else str(uuid.uuid4())
    except ValueError:
        return str(uuid.uuid4())
