"""A body larger than any honest one is refused before it is read, whoever sends it, in all services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

import backend.limits
import ml_backend.limits
from label_studio_guard.limits import limited

LARGEST = 1000


def service(limit: type[backend.limits.BodyLimit] | type[ml_backend.limits.BodyLimit]) -> TestClient:
    """A service with one route that reads its body."""
    app = FastAPI()
    app.add_middleware(limit, largest=LARGEST)

    @app.post("/")
    async def size(request: Request) -> int:
        return len(await request.body())

    return TestClient(app)


@pytest.fixture(params=[backend.limits.BodyLimit, ml_backend.limits.BodyLimit])
def client(request: pytest.FixtureRequest) -> TestClient:
    return service(request.param)


def test_what_fits_is_read(client: TestClient) -> None:
    assert client.post("/", content=b"x" * LARGEST).json() == LARGEST


def test_what_says_that_it_is_larger_is_not_read(client: TestClient) -> None:
    assert client.post("/", content=b"x" * (LARGEST + 1)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "many", "1e3"])
def test_a_length_that_is_none_is_refused(client: TestClient, length: str) -> None:
    assert client.post("/", content=b"x", headers={"content-length": length}).status_code == 413


def test_what_does_not_say_is_counted(client: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(LARGEST):
            yield b"x" * 100

    assert client.post("/", content=endless()).status_code == 413


def test_the_guard_refuses_it_before_label_studio_reads_it() -> None:
    def size(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [str(len(environ["wsgi.input"].read())).encode()]

    transport = httpx.WSGITransport(app=limited(size, largest=LARGEST))
    with httpx.Client(transport=transport, base_url="http://label-studio") as client:
        assert client.post("/", content=b"x" * LARGEST).json() == LARGEST
        assert client.post("/", content=b"x" * (LARGEST + 1)).status_code == 413
        for length in ("-1", "many", "1e3"):
            assert client.post("/", content=b"x", headers={"content-length": length}).status_code == 413
