"""A workplace whose rounds train with the stub, and labels to train on."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.consensus.tables import ConsensusRecord
from backend.database import Database
from backend.rounds import repository
from backend.rounds.tables import Round
from backend.settings import Settings
from domain.comparison import compare
from domain.consensus import agree
from domain.findings import Disc, Findings, SliceBox
from domain.taxonomy import Arm, Plane, Split
from tests.backend.fakes import Fakes, five_discs
from tests.backend.rounds.stub_trainer import write_model
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

STUB = Path(__file__).with_name("stub_trainer.py")
TRAIN = f"{{python}} {STUB} train {{snapshot}} --store {{store}} --out {{out}} --from {{weights}}"
EVALUATE = (
    f"{{python}} {STUB} evaluate {{weights}} --snapshot {{snapshot}} --store {{store}} "
    "--split test --out {out}"
)
POLICY: dict[str, Any] = {
    "gate": {
        "margins": {f"grade {grade}": 0.05 for grade in range(1, 6)},
        "minimum_positives": 3,
        "minimum_patients": 2,
        "resamples": 400,
    }
}
GRADES = random.Random(7)
DEADLINE_S = 60.0


def stub_settings(settings: Settings, *, train: str = "", policy: dict[str, Any] | None = None) -> Settings:
    """The settings with the stub's commands, a policy for few patients, and a first model of skill 0.4."""
    path = settings.rounds.parent / "policy.json"
    path.write_text(json.dumps(policy or POLICY))
    bundled = settings.rounds.parent / "bundled"
    write_model(bundled, skill=0.4, seed=1)
    changes = {
        "train_command": f"{TRAIN} {train}",
        "evaluate_command": EVALUATE,
        "policy": path,
        "bundled_weights": bundled,
        "rounds_free_gb": 0,
    }
    return settings.model_copy(update=changes)


@pytest.fixture
def workplace(settings: Settings, database: Database, fakes: Fakes) -> Workplace:
    """With the stub, and the first model known."""
    made = Workplace(stub_settings(settings), database, fakes)
    made.work("replicas")
    return made


def label_studies(workplace: Workplace, *, train: int = 3, test: int = 12) -> None:
    """Sagittal studies with an agreed label, as if two readers had read them."""
    studies = [a_study(n, axial=False) for n in range(1, train + 1)]
    studies += [a_study(100 + n, split=Split.TEST, axial=False) for n in range(test)]
    workplace.ingest(*studies)
    with workplace.write() as session:
        for study in studies:
            grades = [GRADES.randint(1, 5) for _ in range(5)]
            discs = tuple(
                Disc(boxes=(SliceBox(slice=2, box=disc.box),), level=disc.level, pfirrmann=grade)
                for disc, grade in zip(five_discs(2), grades, strict=True)
            )
            reading = Findings(plane=Plane.SAGITTAL, discs=discs)
            label = agree(reading, reading, compare(reading, reading, spacing=0.7))
            session.add(
                ConsensusRecord(
                    unit=f"{study.study}-sagittal",
                    study=study.study,
                    patient=study.patient,
                    split=study.split,
                    plane=Plane.SAGITTAL,
                    arm=Arm.UNAIDED,
                    provenance=label.provenance,
                    body=label.model_dump_json(),
                    discs=5,
                    made_at=workplace.clock(),
                )
            )


def the_round(workplace: Workplace, round_id: str) -> Round:
    """The row as it is now."""
    with workplace.database.reading() as session:
        return repository.get(session, round_id)


def wait_until(reached: Callable[[], bool], doing: Callable[[], object], what: str) -> None:
    """Go on doing something until a state is reached; fails after a minute."""
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline, what
        doing()
        time.sleep(0.02)
