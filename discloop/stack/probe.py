"""Asking a service whether it is ready."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 2.0


def is_ready(url: str) -> bool:
    """Whether the address answers 200 within two seconds."""
    return ask(url)[0] == 200


def ask(url: str) -> tuple[int, str]:
    """Status and body of a GET; status 0 and the reason where nothing answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()
