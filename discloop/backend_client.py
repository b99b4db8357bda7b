"""The backend's HTTP API, as the commands use it."""

from __future__ import annotations

import time
from typing import Any

import httpx

from discloop import credentials
from discloop.home import Home
from discloop.stack import state
from domain.errors import DiscLoopError

TIMEOUT_SECONDS = 120.0
PAUSE_SECONDS = 0.3


class NoAnswer(DiscLoopError):
    """The request was sent and no answer came: it may have been carried out or not."""


class BackendClient:
    """Speaks JSON with the engineer's token; an answer that is no success becomes one line.

    With `patience_s`, a backend that cannot be reached is tried again for so long: the supervisor may just
    be starting it anew.
    """

    def __init__(self, url: str, token: str, *, patience_s: float = 0) -> None:
        self.url = url
        self._patience_s = patience_s
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """GET; the decoded answer."""
        return self._ask("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path: str, body: Any = None) -> Any:
        """POST JSON; the decoded answer."""
        return self._ask("POST", path, json={} if body is None else body)

    def get_text(self, path: str, **query: Any) -> str:
        """GET; the answer as text."""
        return self._send("GET", path, params={k: v for k, v in query.items() if v is not None}).text

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        answer = self._send(method, path, **content)
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer = self._reach(method, path, **content)
        if not answer.is_success:
            raise DiscLoopError(f"{method} {path}: {answer.status_code}: {_reason(answer)}")
        return answer

    def _reach(self, method: str, path: str, **content: Any) -> httpx.Response:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                return self._http.request(method, path, **content)
            except httpx.ConnectError as error:  # nothing was sent: any request may be tried again
                if time.monotonic() > deadline:
                    raise DiscLoopError(
                        f"{self.url}: the backend does not answer; is the stack up?"
                    ) from error
            except httpx.TransportError as error:
                if method != "GET" or time.monotonic() > deadline:
                    raise NoAnswer(f"{self.url}: {method} {path}: no answer ({error})") from error
            time.sleep(PAUSE_SECONDS)


def _reason(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:300]
    if isinstance(body, dict):
        return str(body.get("detail") or body.get("error") or body)[:600]
    return str(body)[:600]


def client_of(home: Home) -> BackendClient:
    """A client of the stack that runs on this home.

    Raises:
        DiscLoopError: If none runs.
    """
    stack = state.read(home)
    if stack is None:
        raise DiscLoopError(
            f"--home {home.root}: no stack runs on it; start one: discloop up --home {home.root}"
        )
    return BackendClient(stack.services["backend"].url, credentials.load(home.secrets).api_token)
