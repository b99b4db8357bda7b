"""What the service writes to its log, served as it is served in the field."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from ml_backend.app import create_app
from ml_backend.logs import configure_logs
from ml_backend.runtimes import RuntimeName
from ml_backend.settings import Settings
from ml_backend.slot import ModelSlot
from tests.ml_backend.conftest import PASSWORD
from tests.ml_backend.test_service import AUTH, settings, task, unit
from tests.waiting import until

__all__ = ["settings"]

PLANTED = "Mustermann-1958-03-02"
JSON = {"Content-Type": "application/json"}


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """The application behind uvicorn, with the logs that `ml_backend.serve` sets up."""
    root = logging.getLogger()
    handlers = root.handlers
    configure_logs()
    for name in ("uvicorn", "uvicorn.error"):
        # Another test may have served with uvicorn's own configuration in this process.
        logging.getLogger(name).handlers, logging.getLogger(name).propagate = [], True
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, log_level="warning", access_log=False)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, within_s=60, what="the service answers")
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        root.handlers = handlers
        structlog.reset_defaults()


def say(client: httpx.Client, raw: bytes) -> bytes:
    """What is answered to bytes that no client would send."""
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0), timeout=60) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(4096)


def ask_with_planted_values(client: httpx.Client) -> list[int]:
    """Every way in for a name, and the statuses of the answers."""
    named = task(slices=[f"/discloop/slices/1/{PLANTED}/0", f"../{PLANTED}.png"], image=PLANTED, note=PLANTED)
    region = {"type": "rectanglelabels", "id": PLANTED, "value": {"x": PLANTED}, "item_index": PLANTED}
    answers = [
        client.post("/predict", json={"tasks": [named], "project": PLANTED}, auth=AUTH),
        client.post(
            "/reading/predict",
            json={"tasks": [task()], "params": {"login": PLANTED, "context": {"result": [region]}}},
            auth=AUTH,
        ),
        client.post("/setup", json={"access_token": PLANTED}, auth=AUTH),
        client.post(
            "/proposals", json={"units": [unit(PLANTED, slices=[f"studies/{PLANTED}.png"])]}, auth=AUTH
        ),
        client.post("/proposals", json={"units": [unit(PLANTED, slices=[f"/etc/{PLANTED}\0"])]}, auth=AUTH),
        client.post("/generation", json={"path": PLANTED, "version": PLANTED}, auth=AUTH),
        client.post("/generation", content=f'{{"\\ud800{PLANTED}": 1}}', headers=JSON, auth=AUTH),
        client.post("/predict", json={}, auth=(PLANTED, PLANTED)),
        client.post("/predict", headers={"Authorization": f"Token {PLANTED}"}),
        client.post("/predict", content=f'{{"tasks": "{PLANTED}'.encode() + b"\xff", auth=AUTH),
        client.get(f"/{PLANTED}?name={PLANTED}", headers={"X-Request-ID": PLANTED}),
        client.post(f"/broken/{PLANTED}", json={"name": PLANTED}),
    ]
    return [answer.status_code for answer in answers]


EXPECTED = [200, 200, 200, 200, 422, 422, 422, 401, 401, 422, 404, 500]


def test_what_is_written_to_the_log_repeats_nothing_planted(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    slot = ModelSlot(runtime=RuntimeName.EAGER, threads=1)
    slot.load(settings.weights / "first")
    app = create_app(settings, slot=slot)

    class Told(BaseModel):
        number: int

    @app.post("/broken/{anything}")
    async def broken(anything: str) -> None:
        try:
            Told.model_validate({"number": anything})
        except ValueError as error:
            raise RuntimeError(str(error)) from error

    with served(app) as client:
        assert ask_with_planted_values(client) == EXPECTED
        assert b"400" in say(client, f"GET /{PLANTED}\x01 HTTP/9\r\n\r\n".encode())
        head = f"POST /broken/{PLANTED} HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n"
        say(client, (head + PLANTED).encode())
        logging.getLogger("elsewhere").warning("kept")
    out, err = capfd.readouterr()
    lines = [json.loads(line) for line in err.splitlines()]
    failed = next(line for line in lines if line["event"] == "request failed")
    assert [told.split(" at ")[0] for told in failed["exception"]] == ["RuntimeError", "ValidationError"]
    assert failed["path"] == "/broken/{anything}"
    assert {"Invalid HTTP request received.", "kept"} <= {line["event"] for line in lines}
    for secret in (PLANTED, PASSWORD, "Mustermann"):
        assert secret not in out + err
