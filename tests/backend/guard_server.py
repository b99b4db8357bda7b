"""The fake guard behind a real port, for backends in processes of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel

from backend.errors import BackendError
from backend.outside.guard import PREFIX, Password, Projection
from tests.backend.fakes import FakeGuard


class Handler(BaseHTTPRequestHandler):
    """Answers with what the server's `guard` says."""

    guard: FakeGuard
    secret: str

    def do_GET(self) -> None:
        """Status, outbox, both logs."""
        said = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        query = {name: values[0] if name == "but" else int(values[0]) for name, values in said.items()}
        accesses = self.guard.newest_accesses if "newest" in said else self.guard.accesses
        endpoints = {
            "status": self.guard.status,
            "outbox": self.guard.outbox,
            "denials": self.guard.denials,
            "accesses": accesses,
        }
        self._answer(endpoints, query)

    def do_PUT(self) -> None:
        """Projection."""
        projection = Projection.model_validate_json(self._body())
        self._answer({"projection": self.guard.put_projection}, {"projection": projection})

    def do_POST(self) -> None:
        """Password, sign-out."""
        said: dict[str, object] = {"person": self.path.split("/")[-2]}
        body = self._body()
        if self.path.endswith("/password"):
            said |= Password.model_validate_json(body).model_dump()
        self._answer({"password": self.guard.set_password, "sign-out": self.guard.sign_out}, said)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, endpoints: Mapping[str, object], arguments: Mapping[str, object]) -> None:
        path = urlsplit(self.path).path
        if self.headers["Authorization"] != f"DiscLoop {self.secret}" or not path.startswith(PREFIX):
            return self._send(401, b"{}")
        endpoint = endpoints.get(path.rpartition("/")[2])
        if not callable(endpoint):
            return self._send(404, b"{}")
        try:
            said = endpoint(**arguments)
        except BackendError as error:
            return self._send(error.status, json.dumps({"error": str(error)}).encode())
        if isinstance(said, BaseModel):
            return self._send(200, said.model_dump_json().encode())
        return self._send(204, b"")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Does not wait for its answers' threads."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A killed backend hangs up in the middle of an answer: that is what is tested."""


@contextmanager
def serve_guard(guard: FakeGuard, secret: str) -> Iterator[str]:
    """Serve the control API of `guard` until the end of the block; its address."""
    handler = type("GuardHandler", (Handler,), {"guard": guard, "secret": secret})
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
