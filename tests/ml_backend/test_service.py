"""The service over HTTP: who may ask, Label Studio's protocol, the control plane, hot swap, the queue."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from domain.findings import Proposal
from labeling_configs.codec import SliceSize, decode
from ml_backend.app import create_app
from ml_backend.runtimes import RuntimeName
from ml_backend.settings import Settings
from ml_backend.slot import ModelSlot
from tests.ml_backend.conftest import KEY, PASSWORD
from tests.ml_backend.spines import write_random_model

AUTH = ("discloop", PASSWORD)
ADDRESS = f"/discloop/slices/12/{KEY}/"


@pytest.fixture
def settings(store: Path, tiny_weights: Path, tmp_path: Path) -> Settings:
    promoted = tmp_path / "promoted"
    shutil.copytree(tiny_weights, promoted / "first")
    return Settings(
        ml_password=SecretStr(PASSWORD),
        store=store,
        keys=tmp_path / "keys",
        weights=promoted,
        ml_runtime=RuntimeName.EAGER,
        ml_threads=1,
        ml_queue=4,
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    slot = ModelSlot(runtime=RuntimeName.EAGER, threads=1)
    slot.load(settings.weights / "first")
    with TestClient(create_app(settings, slot=slot), raise_server_exceptions=False) as client:
        yield client


def task(number: int = 0, **data: Any) -> dict[str, Any]:
    slices = [f"{ADDRESS}{n}" for n in range(3)]
    return {"id": 5, "data": {"key": KEY, "slices": slices, "open": number, **data}, "annotations": []}


def unit(name: str, **fields: Any) -> dict[str, Any]:
    slices = [f"studies/s1/sagittal/{n:03d}.png" for n in range(3)]
    return {"unit": name, "plane": "sagittal", "midline": 1, "slices": slices, "spacing": 0.6} | fields


@pytest.mark.parametrize("path", ["/health", "/live", "/ready", "/reading/health", "/"])
def test_health_needs_no_password(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["status"] == "UP"


GUARDED = [
    ("POST", "/setup"),
    ("POST", "/predict"),
    ("POST", "/webhook"),
    ("POST", "/reading/setup"),
    ("POST", "/reading/predict"),
    ("POST", "/reading/webhook"),
    ("POST", "/proposals"),
    ("POST", "/generation"),
    ("GET", "/model"),
    ("GET", "/metrics"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_everything_else_does(client: TestClient, method: str, path: str) -> None:
    body = {"tasks": [task()], "units": []}
    for auth in (None, ("discloop", "wrong"), ("admin", PASSWORD), ("discloop", "")):
        assert client.request(method, path, json=body, auth=auth).status_code == 401


def test_setup_answers_the_model_and_keeps_no_token(client: TestClient) -> None:
    body = {"project": "1.2", "schema": "<View/>", "access_token": "t0ken", "hostname": "http://a"}
    assert client.post("/setup", json=body, auth=AUTH).json()["model_version"].startswith("tiny-")
    assert client.post("/webhook", json={"action": "START_TRAINING"}, auth=AUTH).status_code == 200


def test_predict_answers_each_task_in_order(client: TestClient) -> None:
    bad = [
        {"id": 6, "data": {"slices": ["http://10.0.0.1/x.png"]}},
        {"id": 7, "data": {}},
        task(0, slices=[f"{ADDRESS}9"]),
        task(0, slices=["/discloop/slices/12/not-a-known-key/0"]),
        task(7),
    ]
    answer = client.post("/predict", json={"tasks": [task(), *bad, task(2)], "params": {}}, auth=AUTH)
    results = answer.json()["results"]
    assert len(results) == 7
    assert ["error" in result for result in results] == [False] + [True] * 5 + [False]
    assert all(result["model_version"].startswith("tiny-") for result in results)
    assert all(0 <= result["score"] <= 1 for result in results)


def test_predictions_are_readings_of_the_codec(client: TestClient) -> None:
    from domain.taxonomy import Plane

    result = client.post("/predict", json={"tasks": [task(1)]}, auth=AUTH).json()["results"][0]["result"]
    assert all("score" not in region for region in result)
    if result:
        findings = decode(result, plane=Plane.SAGITTAL, slices=[SliceSize(240, 320)] * 3)
        assert all(disc.primary.slice == 1 for disc in findings.discs)


def test_readers_get_nothing_but_the_smart_box(client: TestClient) -> None:
    answer = client.post("/reading/predict", json={"tasks": [task(), task()]}, auth=AUTH).json()
    assert [set(result) for result in answer["results"]] == [{"result", "model_version"}] * 2
    assert all(result["result"] == [] for result in answer["results"])


def drawn(**changes: Any) -> dict[str, Any]:
    value = {"x": 35, "y": 85, "width": 20, "height": 6, "rotation": 0, "rectanglelabels": ["disc"]}
    region = {
        "id": "a",
        "type": "rectanglelabels",
        "from_name": "finding",
        "to_name": "slices",
        "item_index": 0,
    }
    return region | {"value": value} | changes


@pytest.mark.parametrize(
    "region",
    [
        drawn(item_index=9),
        drawn(type="choices", value={"choices": ["3"]}),
        drawn(value={"x": "left", "rectanglelabels": ["disc"]}),
        drawn(value=drawn()["value"] | {"rectanglelabels": ["herniation"]}),
        drawn(value=drawn()["value"] | {"width": 0}),
    ],
)
def test_a_stroke_that_means_no_disc_comes_back_as_drawn(client: TestClient, region: dict[str, Any]) -> None:
    body = {"tasks": [task()], "params": {"context": {"result": [region]}}}
    answer = client.post("/reading/predict", json=body, auth=AUTH)
    assert answer.json()["results"][0]["result"] == [region]


def test_proposals_for_units(client: TestClient) -> None:
    units = [
        unit("a"),
        unit("b", plane="axial"),
        unit("c", midline=9),
        unit("d", slices=["gone.png"], midline=0),
    ]
    answer = client.post("/proposals", json={"units": units}, auth=AUTH).json()
    assert Proposal.model_validate(answer["proposals"]["a"]).model == answer["model"]
    axial = Proposal.model_validate(answer["proposals"]["b"])
    assert axial.discs == ()
    assert "axial" in axial.warnings[0]
    assert "midline 9" in answer["proposals"]["c"]["error"]
    assert "gone.png" in answer["proposals"]["d"]["error"]


@pytest.mark.parametrize(
    "path", ["../keys/x.png", "/etc/passwd", "studies/../../x.png", "studies/.x.png", "http://a/b.png"]
)
def test_paths_that_leave_the_store_are_refused(client: TestClient, path: str) -> None:
    answer = client.post("/proposals", json={"units": [unit("a", slices=[path], midline=0)]}, auth=AUTH)
    assert answer.status_code == 422 or "error" in answer.json()["proposals"]["a"]


def test_a_promoted_model_takes_over_and_an_older_generation_does_not(
    client: TestClient, settings: Settings
) -> None:
    new = write_random_model(settings.weights / "second", seed=2, version="second-")
    body = {"generation": 3, "version": new.version, "sha256": new.sha256, "path": "second"}
    assert client.post("/generation", json=body, auth=AUTH).json()["generation"] == 3
    assert client.get("/model", auth=AUTH).json() == {
        "version": new.version,
        "generation": 3,
        "sha256": new.sha256,
    }
    assert client.post("/generation", json=body, auth=AUTH).status_code == 200
    assert client.post("/generation", json=body | {"generation": 2}, auth=AUTH).status_code == 409
    wrong = body | {"generation": 4, "sha256": "0" * 64}
    assert client.post("/generation", json=wrong, auth=AUTH).status_code == 422
    assert (
        client.post("/generation", json=body | {"generation": 4, "path": "../second"}, auth=AUTH).status_code
        == 422
    )
    assert client.get("/model", auth=AUTH).json()["generation"] == 3


def test_no_request_fails_while_the_model_is_swapped(client: TestClient, settings: Settings) -> None:
    new = write_random_model(settings.weights / "second", seed=2, version="second-")
    stop, versions, failures = threading.Event(), set(), []

    def ask() -> None:
        while not stop.is_set():
            answer = client.post("/predict", json={"tasks": [task()]}, auth=AUTH)
            if answer.status_code != 200:
                failures.append(answer.status_code)
            else:
                versions.add(answer.json()["results"][0]["model_version"])

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        body = {"generation": 1, "version": new.version, "sha256": new.sha256, "path": "second"}
        assert client.post("/generation", json=body, auth=AUTH).status_code == 200
        deadline = time.monotonic() + 20
        while new.version not in versions and time.monotonic() < deadline:
            threading.Event().wait(0.02)
        stop.set()
        for each in asking:
            each.result()
    assert failures == []
    assert new.version in versions


def test_a_full_queue_answers_503_and_says_when_to_come_back(client: TestClient, settings: Settings) -> None:
    batch = {"tasks": [task()] * 12}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.post("/predict", json=batch, auth=AUTH), range(12)))
    codes = sorted(answer.status_code for answer in answers)
    assert set(codes) == {200, 503}
    assert codes.count(200) >= settings.ml_queue
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert int(refused.headers["Retry-After"]) > 0
    assert "wait" in refused.json()["detail"]


def test_metrics_count_and_name_no_patient(client: TestClient) -> None:
    client.post("/predict", json={"tasks": [task(), {"data": {}}]}, auth=AUTH)
    text = client.get("/metrics", auth=AUTH).text
    assert 'discloop_ml_requests_total{route="/predict",status="200"} 1.0' in text
    assert "discloop_ml_slices_total 1.0" in text
    assert "discloop_ml_slices_failed_total 1.0" in text
    assert KEY not in text


def test_the_schema_lists_the_protocol(client: TestClient) -> None:
    paths = json.dumps(list(client.get("/openapi.json").json()["paths"]))
    for path in ("/predict", "/setup", "/webhook", "/health", "/reading/predict", "/proposals"):
        assert f'"{path}"' in paths
