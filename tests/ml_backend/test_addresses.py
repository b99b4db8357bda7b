"""The service opens no address that it is given, whatever field it stands in."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ml_backend.test_service import AUTH, client, settings, task, unit

__all__ = ["client", "settings"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody inside the network that must not be reached."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        opened.setblocking(False)
        yield opened


def _bodies(address: str) -> list[tuple[str, dict[str, Any]]]:
    shown = task(slices=[address], image=address, audio=address, key=address)
    context = {"result": [{"value": {"image": address}}], "url": address}
    asked = {"tasks": [shown], "label_config": f'<View><Image value="{address}"/></View>', "project": address}
    return [
        ("/setup", {"project": "1.2", "schema": address, "hostname": address, "access_token": "t"}),
        ("/predict", asked | {"params": {"context": context}}),
        ("/reading/predict", asked | {"params": {"context": context}}),
        ("/webhook", {"action": "START_TRAINING", "project": {"url": address}, "hostname": address}),
        ("/proposals", {"units": [unit("u", slices=[address])]}),
        ("/generation", {"generation": 9, "version": "v", "sha256": "0" * 64, "path": address}),
    ]


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "file", "s3"])
def test_no_given_address_is_opened(client: TestClient, listener: socket.socket, scheme: str) -> None:
    host, port = listener.getsockname()
    for path, body in _bodies(f"{scheme}://{host}:{port}/0.png"):
        answer = client.post(path, json=body, auth=AUTH)
        assert answer.status_code < 500, (path, answer.text)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_callers_request_id_is_taken_over_only_if_harmless(client: TestClient) -> None:
    given = str(uuid.uuid4())
    assert client.get("/live", headers={"X-Request-ID": given}).headers["x-request-id"] == given
    other = client.get("/live", headers={"X-Request-ID": "a\tb"}).headers["x-request-id"]
    assert str(uuid.UUID(other)) == other
