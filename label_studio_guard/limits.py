"""How much a request may bring: Label Studio reads a body whole, and puts a form's files on disk, unasked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

LARGEST_BODY_BYTES = 16 * 1024 * 1024
"""A reading is some kilobytes; the backend imports 25 tasks at a time."""


def limited(application: Application, *, largest: int = LARGEST_BODY_BYTES) -> Application:
    """The WSGI application, answering 413 to a body that says it is larger.

    Of a body that says no length Django reads nothing.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        told = environ.get("CONTENT_LENGTH") or "0"
        if told.isdigit() and int(told) <= largest:
            return application(environ, start_response)
        said = json.dumps({"detail": f"A request brings at most {largest} bytes.", "status_code": 413})
        headers = [("Content-Type", "application/json"), ("Connection", "close")]
        start_response("413 Content Too Large", headers)
        return [said.encode()]

    return serve
