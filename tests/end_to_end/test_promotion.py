"""A promotion with the real trainer, evaluator, gate and ML backend.

The active model is weak by construction: the bundled one at a quarter of its resolution, with graders whose
last layer was emptied, so that it finds few of the drawn discs and tells no grade from another. Whatever
learns anything from fourteen labelled spines is better, and is promoted by the gate's own rule: the lower end
of the interval of the gain is above 0. Readers' labels are put in as such; Label Studio has no part in it.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import torch
from sqlmodel import select

from backend.consensus.tables import ConsensusRecord
from backend.database import Database
from backend.migrations.upgrade import upgrade
from backend.outside import Outside
from backend.outside.ml_backend import HttpMlBackend
from backend.proposals.tables import ProposalRecord
from backend.rounds import repository
from backend.settings import Settings
from domain.boxes import Box
from domain.comparison import compare
from domain.consensus import agree
from domain.findings import Disc, Findings, SliceBox
from domain.manifest import Study
from domain.rounds import RoundState
from domain.taxonomy import Arm, Plane, Role, Split
from ml_backend.weights import BUNDLED, read_weights, write_weights
from tests.backend.conftest import make_settings
from tests.backend.fakes import LEVELS, Fakes
from tests.backend.rounds.conftest import the_round
from tests.backend.rounds.test_rounds import step
from tests.backend.stores import SIZE, a_study
from tests.backend.workplace import Workplace
from tests.waiting import free_ports, until

TRAIN, TEST = 14, 10
COMMANDS = {
    "train_command": "{python} -m ml_backend.train {snapshot} --store {store} --out {out} --from {weights} "
    "--epochs 10 --threads 1",
    "rounds_free_gb": 0,
}
POLICY = {
    "gate": {
        "margins": {f"grade {grade}": 0.05 for grade in range(1, 6)},
        "minimum_positives": 3,
        "minimum_patients": 3,
    }
}
"""The margins and the gain are the real ones; only the number of positives is that of ten spines."""


class WithRealModel(Fakes):
    """The ML backend is a process; the guard and Label Studio stay fakes."""

    def __init__(self, address: str, password: str) -> None:
        super().__init__()
        self.real = HttpMlBackend(address, password)

    @property
    def outside(self) -> Outside:
        return replace(super().outside, ml_backend=self.real)


def weaken(folder: Path) -> str:
    """Write the weak model; its version."""
    _, tensors = read_weights(BUNDLED)
    grader = tensors["graders"][0]
    for name in ("head.weight", "head.bias"):
        grader[name] = torch.zeros_like(grader[name])
    fields = {"version": "weak-", "graders": 1, "side": 160}
    return write_weights(folder, tensors | {"graders": [grader]}, fields).version


def draw(store: Path, study: Study, grades: Sequence[int], seed: int) -> list[Box]:
    """Slices on which a disc is the darker the higher its grade; the discs' boxes, lowest first."""
    generator = np.random.default_rng(seed)
    image = np.full((SIZE, SIZE), 30, np.float32)
    boxes = []
    for i, grade in enumerate(grades):
        x, y = 180 + 3 * i + float(generator.normal(0, 1)), SIZE - 60 - 50 * i
        cv2.rectangle(image, (int(x - 26), int(y - 42)), (int(x + 26), int(y - 9)), 110.0, -1)
        cv2.ellipse(image, (int(x), y), (26, 8), 0, 0, 360, 250.0 - 45 * (grade - 1), -1)
        boxes.append(Box(x1=x - 27, y1=y - 9, x2=x + 27, y2=y + 9))
    cv2.line(image, (230, SIZE), (250, 0), 250.0, 12)
    noisy = np.clip(image + generator.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
    for one in study.series[0].slices:
        cv2.imwrite(str(store / one.path), noisy)
    return boxes


def label(workplace: Workplace, study: Study, boxes: Sequence[Box], grades: Sequence[int]) -> None:
    """As if two readers had agreed on the truth."""
    discs = tuple(
        Disc(boxes=(SliceBox(slice=2, box=box),), level=level, pfirrmann=grade)
        for box, level, grade in zip(boxes, LEVELS, grades, strict=True)
    )
    reading = Findings(plane=Plane.SAGITTAL, discs=discs)
    agreed = agree(reading, reading, compare(reading, reading, spacing=0.7))
    with workplace.write() as session:
        session.add(
            ConsensusRecord(
                unit=f"{study.study}-sagittal",
                study=study.study,
                patient=study.patient,
                split=study.split,
                plane=Plane.SAGITTAL,
                arm=Arm.UNAIDED,
                provenance=agreed.provenance,
                body=agreed.model_dump_json(),
                discs=len(discs),
                made_at=workplace.clock(),
            )
        )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path}/backend.sqlite3"
    upgrade(url)
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    (port,) = free_ports(1)
    made = make_settings(tmp_path, url)
    weaken(made.weights)
    changes = {
        "policy": policy,
        "bundled_weights": made.weights,
        "ml_url": f"http://127.0.0.1:{port}",
    }
    return made.model_copy(update=COMMANDS | changes)


@pytest.fixture
def workplace(settings: Settings, tmp_path: Path) -> Iterator[Workplace]:
    """With a real ML backend that serves the weak model."""
    password = settings.ml_password.get_secret_value()
    told = {
        "DISCLOOP_ML_PASSWORD": password,
        "DISCLOOP_STORE": str(settings.store),
        "DISCLOOP_KEYS": str(settings.keys),
        "DISCLOOP_WEIGHTS": str(settings.weights),
        "DISCLOOP_ML_RUNTIME": "eager",
        "DISCLOOP_ML_THREADS": "1",
        "YOLO_CONFIG_DIR": str(tmp_path / "ultralytics"),
        "YOLO_OFFLINE": "true",
    }
    port = settings.ml_url.rpartition(":")[2]
    with (tmp_path / "ml-backend.log").open("ab") as log:
        command = [sys.executable, "-m", "ml_backend.serve", "--port", port]
        process = subprocess.Popen(command, env=os.environ | told, stdout=log, stderr=log)
    database, fakes = Database(settings.database_url), WithRealModel(settings.ml_url, password)
    try:
        until(lambda: _answers(settings.ml_url), within_s=120, what="the ML backend answers")
        yield Workplace(settings, database, fakes)
    finally:
        fakes.real.close()
        process.kill()
        process.wait()
        database.dispose()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/ready").is_success
    except httpx.TransportError:
        return False


def give_out(workplace: Workplace, study: Study) -> None:
    """To both readers, with everything the model says."""
    shares = {Arm.FULL: 1.0, Arm.BOXES: 0.0, Arm.UNAIDED: 0.0}
    workplace.plan(studies=[study.study], seed=1, shares=shares)
    workplace.work("projection", "provisioning")


def models_asked(workplace: Workplace) -> dict[str, str]:
    """The model whose proposal each unit's readers were given, by unit."""
    made = {row.id: row.model for row in workplace.rows(select(ProposalRecord))}
    return {one.unit: made[one.proposal] for one in workplace.assignments() if one.proposal is not None}


def test_a_better_model_is_promoted_and_proposes_on_new_tasks(workplace: Workplace) -> None:
    draws = random.Random(5)
    labelled = [
        a_study(n, split=Split.TRAIN if n <= TRAIN else Split.TEST, axial=False)
        for n in range(1, TRAIN + TEST + 1)
    ]
    begun, unread = a_study(101, axial=False), a_study(102, axial=False)
    workplace.ingest(*labelled, begun, unread)
    for study in (*labelled, begun, unread):
        grades = [draws.randint(1, 5) for _ in range(5)]
        boxes = draw(workplace.settings.store, study, grades, seed=int(study.study[-4:]))
        if study in labelled:
            label(workplace, study, boxes, grades)
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    workplace.work("replicas", "projection", "proposals")
    give_out(workplace, begun)
    with workplace.client() as client:
        client.headers["Authorization"] = f"Bearer {workplace.settings.api_token.get_secret_value()}"
        round_id: str = client.post("/api/rounds").raise_for_status().json()["id"]
        with workplace.write() as session:
            repository.get(session, round_id).seed = 1  # Drawn otherwise: here every run trains alike.
        for name in ("approve", "start"):
            client.post(f"/api/rounds/{round_id}/{name}").raise_for_status()

        def ended() -> bool:
            step(workplace)
            return the_round(workplace, round_id).ended_at is not None

        until(ended, within_s=400, what="the round ends")
        row = the_round(workplace, round_id)
        assert row.state is RoundState.PASSED, row.error or row.verdict
        assert (row.champion or "").startswith("weak-")
        client.post(f"/api/rounds/{round_id}/promote").raise_for_status()
    workplace.work("replicas", "proposals")
    give_out(workplace, unread)
    asked = models_asked(workplace)
    assert asked["study-0101-sagittal"] == row.champion
    assert asked["study-0102-sagittal"] == row.challenger
    served = httpx.get(f"{workplace.settings.ml_url}/health").json()
    assert served["model"] == row.challenger
