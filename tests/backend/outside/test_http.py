"""The services' HTTP forms, against servers on real ports."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from backend.errors import Conflict, Unavailable
from backend.outside.guard import HttpGuard, Projection
from backend.outside.ml_backend import HttpMlBackend, UnitToPropose
from domain.taxonomy import Plane
from tests.backend.fakes import FakeGuard
from tests.backend.guard_server import serve_guard
from tests.waiting import free_ports

SECRET = "the control API's secret"
EMPTY = Projection(version=1, valid_for_s=120, people=(), projects=())
UNIT = UnitToPropose(unit="s-sagittal", plane=Plane.SAGITTAL, midline=0, slices=("a.png",), spacing=0.7)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A server that gives one answer to everything; its address, and what it was asked."""
    asked: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked.append((self.path, self.headers.get("Authorization", ""), self.rfile.read(length)))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_guards_endpoints() -> None:
    fake = FakeGuard()
    fake.save(task_key="k", project_key="p", author="p-00000001", result=[{"id": "a"}])
    with serve_guard(fake, SECRET) as address:
        guard = HttpGuard(address, SECRET)
        assert guard.put_projection(EMPTY).version == 1
        assert guard.status().supported
        assert guard.outbox(0, 10).entries[0].result == [{"id": "a"}]
        assert guard.outbox(1, 10).entries == ()
        assert guard.denials(newest=1, but="").entries == ()
        fake.held_version = 5
        with pytest.raises(Conflict):
            guard.put_projection(EMPTY)
        with pytest.raises(Unavailable, match="status: answered 401"):
            HttpGuard(address, "another secret").status()


def test_nobody_answers() -> None:
    (port,) = free_ports(1)
    with pytest.raises(Unavailable, match=f"does not answer at http://127.0.0.1:{port}"):
        HttpGuard(f"http://127.0.0.1:{port}", SECRET).status()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"{}", "answered 500"),
        (302, b"{}", "answered 302"),
        (200, b"<html>", "JSON was expected"),
        (200, b'{"guard": "0.1.0"}', "not as agreed: label_studio"),
    ],
)
def test_unexpected_answers_are_named(status: int, body: bytes, said: str) -> None:
    with answering(status, body) as (address, _), pytest.raises(Unavailable, match=said):
        HttpGuard(address, SECRET).status()


def test_the_ml_backends_endpoints() -> None:
    said = {"model": "m-1", "proposals": {"s-sagittal": {"error": "unreadable"}}}
    with answering(200, json.dumps(said).encode()) as (address, asked):
        answer = HttpMlBackend(address, "a password").propose([UNIT])
    assert answer.proposals["s-sagittal"] == {"error": "unreadable"}
    ((path, authorization, body),) = asked
    assert (path, authorization.split()[0]) == ("/proposals", "Basic")
    assert json.loads(body)["units"] == [
        {"unit": "s-sagittal", "plane": "sagittal", "midline": 0, "slices": ["a.png"], "spacing": 0.7}
    ]


@pytest.mark.parametrize(
    "ask", [lambda ml: ml.model(), lambda ml: ml.propose([UNIT])], ids=["model", "proposals"]
)
def test_a_refusal_of_the_ml_backend_is_no_answer(ask: Callable[[HttpMlBackend], object]) -> None:
    with answering(401, b"{}") as (address, _), pytest.raises(Unavailable, match=r"the ML backend.*401"):
        ask(HttpMlBackend(address, "a password"))
