"""The edge of an ML backend: says it is healthy, proposes nothing, and counts what reaches it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MlStub(ThreadingHTTPServer):
    """Answers `/health`, `/setup` and `/predict`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: MlStub

    def do_GET(self) -> None:
        self._answer({"status": "UP"})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer({"model_version": "stub", "results": [{"result": [], "score": 0.0}]})

    def _answer(self, body: object) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep the tests' output quiet."""


@contextmanager
def running_ml_stub() -> Iterator[MlStub]:
    """A stub on a free port."""
    with MlStub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
