"""Label Studio as a reader's browser meets it: its sign-in page and a session, nothing else."""

from __future__ import annotations

import re
from typing import Protocol

import httpx

from backend.errors import Unavailable

CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class FrontDoor(Protocol):
    """What the canary needs."""

    def signed_in_as(self) -> str | None:
        """The address whose session this is, or None."""

    def sign_in(self, email: str, password: str) -> None:
        """Try the sign-in page."""

    def status_of(self, path: str) -> int:
        """The status by which this session's GET is answered; the content is thrown away."""


class HttpFrontDoor:
    """Over HTTP. One session for the life of the process, until it ends."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=httpx.Timeout(30, connect=3), trust_env=False)
        self._origin = address.rstrip("/")
        # Kept here and not by the client: behind a proxy with TLS the cookies are for https only, and this
        # goes past the proxy.
        self._cookies: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def signed_in_as(self) -> str | None:
        """See `FrontDoor`."""
        answer = self._ask("GET", "/api/current-user/whoami")
        return str(answer.json().get("email")) if answer.status_code == 200 else None

    def sign_in(self, email: str, password: str) -> None:
        """See `FrontDoor`."""
        self._cookies.clear()
        token = CSRF.search(self._ask("GET", "/user/login/").text)
        form = {"email": email, "password": password, "csrfmiddlewaretoken": token[1] if token else ""}
        self._ask("POST", "/user/login/", form)

    def status_of(self, path: str) -> int:
        """See `FrontDoor`."""
        return self._ask("GET", path).status_code

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Origin"] = self._origin
        try:
            answer = self._client.request(method, path, data=form, headers=headers)
        except httpx.TransportError as error:
            raise Unavailable(f"Label Studio does not answer ({type(error).__name__})") from None
        self._cookies.update(answer.cookies)
        self._client.cookies.clear()
        return answer
