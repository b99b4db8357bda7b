"""A guarded Label Studio in this process, without a socket: for asking what happens when a rule is gone.

Runs with the Python of `.venv-ls`, started by the tests; prints one JSON object.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent


def load(name: str, path: Path) -> Any:
    """A module by its file: inside Label Studio's process `tests` is a package of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def site_class() -> Any:
    """`LabelStudio` with its requests answered in this process."""
    fixture = load("discloop_label_studio_fixture", HERE.parent / "label_studio.py")

    class InProcess(fixture.LabelStudio):  # type: ignore[misc]
        application: Any = None

        def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
            transport = httpx.WSGITransport(app=self.application)
            return httpx.Client(transport=transport, base_url=self.url, headers=headers, timeout=60)

    return InProcess


def start(settings: Mapping[str, str]) -> Any:
    """Set Django up over the folder that the environment names, and make a site of it."""
    from label_studio_guard.serve import prepare

    prepare()
    from label_studio_guard.wsgi import application

    site = site_class()(
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
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
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
