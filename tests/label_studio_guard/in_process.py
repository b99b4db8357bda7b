"""A guarded Label Studio in this process, without a socket: for asking what happens when a rule is gone.

Runs with the Python of `.venv-ls`, started by the tests; prints one JSON object.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.label_studio import LabelStudio


class InProcess(LabelStudio):
    """`LabelStudio` with its requests answered in this process."""

    application: Any = None

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """A client of the application itself."""
        transport = httpx.WSGITransport(app=self.application)
        return httpx.Client(transport=transport, base_url=self.url, headers=headers, timeout=60)


def start(settings: Mapping[str, str]) -> InProcess:
    """Set Django up over the folder that the environment names, and make a site of it."""
    from label_studio_guard.serve import prepare

    prepare()
    from label_studio_guard.wsgi import application

    site = InProcess(
        url="http://127.0.0.1:1",
        folder=Path(settings["DISCLOOP_STORE"]).parent,
        secret=settings["DISCLOOP_GUARD_SECRET"],
        assertion_key=settings["DISCLOOP_ASSERTION_KEY"],
        service_token=settings["DISCLOOP_SERVICE_TOKEN"],
        callback=settings["DISCLOOP_BACKEND_CALLBACK"],
        store=Path(settings["DISCLOOP_STORE"]),
        keys=Path(settings["DISCLOOP_KEYS"]),
        log=Path("/dev/null"),
        environment=settings,
    )
    site.application = application
    return site


@contextmanager
def replaced(owner: Any, name: Any, value: Any) -> Iterator[None]:
    """One attribute, or one entry of a dictionary, with another value for a block."""
    if isinstance(owner, dict):
        missing = name not in owner
        kept = owner.get(name)
        owner[name] = value
        try:
            yield
        finally:
            if missing:
                del owner[name]
            else:
                owner[name] = kept
        return
    kept = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, kept)


def answer(result: object) -> None:
    """The one line the test reads."""
    sys.stdout.write("\nRESULT " + json.dumps(result) + "\n")
