from __future__ import annotations

import os

import pytest
from fastapi.testclient import TestClient

from backend.access import Actor
from backend.models import service
from backend.models.tables import ModelVersion
from backend.outside.ml_backend import Generation as Wanted
from domain.taxonomy import Role
from tests.backend.workplace import Workplace

BY = Actor(id="api", name="API", role=Role.ENGINEER)


def promote(workplace: Workplace, version: str) -> None:
    with workplace.write() as session:
        model = ModelVersion(version=version, sha256="0" * 64, folder=version, known_at=workplace.clock())
        session.add(model)
        session.flush()
        service.advance(session, model, reason="promotion", by=BY, clock=workplace.clock)


def test_what_the_ml_backend_starts_with_is_the_first_champion(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.work("replicas")
    found = client.get("/api/models").json()
    assert (found["active"]["version"], found["active"]["number"], found["active"]["reason"]) == (
        "model-1",
        0,
        "first",
    )
    assert [one["version"] for one in found["replicas"]] == ["model-1"]


def test_a_replica_that_starts_anew_is_brought_to_the_newest_generation(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.work("replicas")
    promote(workplace, "model-2")
    workplace.work("replicas")
    fake = workplace.fakes.ml_backend
    assert (fake.version, fake.generation) == ("model-2", 1)
    fake.version, fake.generation = "model-1", 0
    workplace.work("replicas")
    assert (fake.version, fake.generation) == ("model-2", 1)
    assert client.get("/api/models").json()["replicas"][0]["generation"] == 1


def test_a_rollback_to_the_first_champion_is_a_new_generation(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.work("replicas")
    promote(workplace, "model-2")
    client.post("/api/models/rollback").raise_for_status()
    workplace.work("replicas")
    fake = workplace.fakes.ml_backend
    assert (fake.version, fake.generation) == ("model-1", 2)
    assert client.post("/api/models/rollback").json()["active"]["version"] == "model-2"


def test_without_an_earlier_model_there_is_no_rollback(workplace: Workplace, client: TestClient) -> None:
    workplace.work("replicas")
    assert client.post("/api/models/rollback").status_code == 409


def test_weights_are_published_whole_or_not_at_all(
    workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = workplace.settings.rounds / "w"
    source.mkdir()
    (source / "weights.pt").write_bytes(b"tensors")
    assert service.publish(source, workplace.settings.weights, "model-2") == "model-2"
    assert service.publish(source, workplace.settings.weights, "model-2") == "model-2"

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        service.publish(source, workplace.settings.weights, "model-3")
    assert [path.name for path in workplace.settings.weights.iterdir()] == ["model-2"]


def test_the_contract_with_the_ml_backend_names_the_first_model() -> None:
    assert Wanted(generation=2, version="v", sha256="0" * 64, path=service.BUNDLED).path == "bundled"
