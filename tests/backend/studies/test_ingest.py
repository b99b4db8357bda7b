"""The manifest is taken over whole, once, or not at all."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from backend.database import Database
from backend.settings import Settings
from domain.manifest import Study
from domain.taxonomy import Role, Split
from tests.backend.fakes import Fakes
from tests.backend.stores import a_study, write_store
from tests.backend.workplace import Workplace


def test_takes_over_every_study_once(workplace: Workplace, client: TestClient) -> None:
    write_store(workplace.settings.store, a_study(1), a_study(2, axial=False))
    first = client.post("/api/studies", json={}).json()
    assert first == {"added": 2, "updated": 0, "unchanged": 0, "patients": 2, "studies": 2, "units": 3}
    again = client.post("/api/studies").json()
    assert again == {"added": 0, "updated": 0, "unchanged": 2, "patients": 2, "studies": 2, "units": 3}
    listed = client.get("/api/studies").json()
    assert [study["units"] for study in listed] == [
        ["study-0001-axial", "study-0001-sagittal"],
        ["study-0002-sagittal"],
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not json", "line 2, the line"),
        (json.dumps({"schema_version": 1}), "line 2, patient"),
        (a_study(2).model_dump_json().replace('"train"', '"training"'), "line 2, split"),
        (
            a_study(2).model_dump_json().replace("/002.png", "/../../002.png"),
            "line 2, series.0.slices.2.path",
        ),
    ],
)
def test_names_line_and_field_and_keeps_nothing(
    workplace: Workplace, client: TestClient, line: str, said: str
) -> None:
    write_store(workplace.settings.store, a_study(1), a_study(2))
    path = workplace.settings.store / "manifest.jsonl"
    path.write_text(f"{a_study(1).model_dump_json()}\n{line}\n")
    answer = client.post("/api/studies")
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert client.get("/api/studies").json() == []


def test_without_a_manifest_says_what_to_do(client: TestClient) -> None:
    answer = client.post("/api/studies")
    assert answer.status_code == 422
    assert "discloop curate" in answer.json()["error"]["message"]


def test_a_missing_slice_is_named(workplace: Workplace, client: TestClient) -> None:
    study = a_study(1)
    write_store(workplace.settings.store, study)
    (workplace.settings.store / study.series[0].slices[3].path).unlink()
    message = client.post("/api/studies").json()["error"]["message"]
    assert "line 1, series.0.slices.3.path: no file studies/study-0001/sagittal/003.png" in message


def test_a_patient_never_changes_split(workplace: Workplace, client: TestClient) -> None:
    workplace.ingest(a_study(1, split=Split.TEST))
    moved = a_study(2, patient="patient-0001", split=Split.TRAIN)
    write_store(workplace.settings.store, a_study(1, split=Split.TEST), moved)
    answer = client.post("/api/studies")
    assert answer.status_code == 422
    assert "line 2, split: this patient is test" in answer.json()["error"]["message"]


def test_the_same_scan_under_two_names_is_refused(workplace: Workplace, client: TestClient) -> None:
    twin = Study.model_validate(a_study(2).model_dump() | {"digest": a_study(1).digest})
    write_store(workplace.settings.store, a_study(1), twin)
    assert "as study study-0001" in client.post("/api/studies").json()["error"]["message"]


def test_a_changed_study_is_updated_until_it_is_given_out(workplace: Workplace, client: TestClient) -> None:
    workplace.ingest(a_study(1))
    write_store(workplace.settings.store, a_study(1, axial=False))
    assert client.post("/api/studies").json()["updated"] == 1
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.plan()
    write_store(workplace.settings.store, a_study(1))
    answer = client.post("/api/studies")
    assert answer.status_code == 422
    assert "given out for reading" in answer.json()["error"]["message"]


def test_a_disk_below_the_floor_takes_nothing_in(
    settings: Settings, database: Database, fakes: Fakes
) -> None:
    full = Workplace(settings.model_copy(update={"free_gb": 10.0**9}), database, fakes)
    write_store(settings.store, a_study(1))
    with full.client() as opened:
        token = settings.api_token.get_secret_value()
        answer = opened.post("/api/studies", headers={"Authorization": f"Bearer {token}"})
        listed = opened.get("/api/studies", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 507
    assert "make room (discloop prune)" in answer.json()["error"]["message"]
    assert listed.json() == []
