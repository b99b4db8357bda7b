"""Rounds on a real Ray cluster of two nodes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from ray.job_submission import JobDetails, JobSubmissionClient

from backend.rounds.executors import Condition, Work
from backend.rounds.executors.ray import RayExecutor, pack_code
from backend.settings import Settings
from domain.rounds import RoundState
from tests.backend.rounds.conftest import STUB, label_studies, the_round
from tests.backend.rounds.ray_cluster import two_nodes
from tests.backend.rounds.test_rounds import queue_round, step
from tests.backend.workplace import Workplace
from tests.waiting import until

WITHIN_S = 120


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    with two_nodes() as address:
        yield address


@pytest.fixture
def on_ray(settings: Settings, cluster: str, tmp_path: Path) -> Settings:
    changes = {
        "executor": "ray",
        "ray_address": cluster,
        "ray_storage": f"file://{tmp_path}/storage",
        "ray_memory_gb": 0.1,
    }
    settings.__dict__.update(changes)
    return settings


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_round_runs_as_jobs_of_the_cluster(
    on_ray: Settings, cluster: str, workplace: Workplace, client: TestClient
) -> None:
    label_studies(workplace)
    round_id = queue_round(client)

    def ended() -> bool:
        step(workplace)
        return the_round(workplace, round_id).ended_at is not None

    until(ended, within_s=WITHIN_S, what="the round ends")
    row = the_round(workplace, round_id)
    assert row.state is RoundState.PASSED, (row.error, client.get(f"/api/rounds/{round_id}").json()["log"])
    assert row.restarts == 0
    assert len(client.get(f"/api/rounds/{round_id}").json()["history"]) == 5
    jobs = _jobs(cluster, round_id)
    assert sorted(jobs) == [
        f"discloop-{round_id}-{name}-1" for name in ("challenger", "champion", "training")
    ]
    assert {job.status.value for job in jobs.values()} == {"SUCCEEDED"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stopped_job_goes_on_from_what_it_had_sent(on_ray: Settings, cluster: str, tmp_path: Path) -> None:
    executor, folder, work = RayExecutor(on_ray), tmp_path / "r-stopped", _slow_work(tmp_path)
    folder.mkdir()
    progress = folder / "training" / "progress.jsonl"
    executor.start(folder, "training", work)
    until(lambda: _is_running(executor, folder) and progress.exists(), within_s=WITHIN_S, what="progress")
    executor.stop(folder, "training")
    until(lambda: not _is_running(executor, folder), within_s=WITHIN_S, what="the job stops")
    stopped_at = _epochs(progress)[-1]
    again = Work(template=work.template, reads=work.reads, files={}, out=work.out, resume=True)
    executor.start(folder, "training", again)
    until(
        lambda: _is_running(executor, folder) and _epochs(progress)[-1] > stopped_at,
        within_s=WITHIN_S,
        what="it goes on",
    )
    executor.stop(folder, "training")
    until(lambda: not _is_running(executor, folder), within_s=WITHIN_S, what="the job stops")
    # Whoever looks later, from another process, finds the same jobs.
    assert RayExecutor(on_ray).status(folder, "training").condition is Condition.ENDED
    assert _epochs(progress) == list(range(1, len(_epochs(progress)) + 1))
    assert sorted(_jobs(cluster, "r-stopped")) == [f"discloop-r-stopped-training-{n}" for n in (1, 2)]


def test_only_listed_code_travels(tmp_path: Path) -> None:
    with zipfile.ZipFile(pack_code(tmp_path / "code.zip")) as packed:
        names = packed.namelist()
    assert {"node.py", "domain/gate.py", "ml_backend/train.py"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"node.py", "domain", "ml_backend"}
    assert all(name.endswith(".py") for name in names)


def _slow_work(tmp_path: Path) -> Work:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "snapshot.json").write_text(json.dumps({"items": []}))
    return Work(
        template=f"{{python}} {STUB} train {{snapshot}} --out {{out}} --epochs 10000 --pause 0.2",
        reads={"snapshot": snapshot},
        files={},
        out=tmp_path / "r-stopped" / "training",
    )


def _is_running(executor: RayExecutor, folder: Path) -> bool:
    return executor.status(folder, "training").condition is Condition.RUNNING


def _epochs(progress: Path) -> list[int]:
    return [json.loads(line)["epoch"] for line in progress.read_text().splitlines()]


def _jobs(cluster: str, round_id: str) -> dict[str, JobDetails]:
    found = {job.submission_id or "": job for job in JobSubmissionClient(cluster).list_jobs()}
    return {name: job for name, job in found.items() if round_id in name}
