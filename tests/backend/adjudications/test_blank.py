"""Some agreed units are read by an adjudicator who knows neither reading."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from backend.adjudications import blank
from backend.worklists.tables import Assignment, Selection
from domain.taxonomy import Arm
from tests.backend.loop import (
    AGREED,
    TO_CONSENSUS,
    adjudications,
    labels,
    read,
    read_all,
    task_of,
    with_adjudicator,
)
from tests.backend.workplace import Workplace

JOBS = ("blank", "projection", "provisioning", *TO_CONSENSUS)
DIFFERS = "study-0002-sagittal"


def test_a_twentieth_is_drawn_whatever_the_seed() -> None:
    drawn = sum(blank.is_drawn(seed, f"unit-{n}") for seed in range(20) for n in range(1000))
    assert blank.BLANK_SHARE == 0.05
    assert 870 < drawn < 1130


@pytest.fixture
def drawn(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> list[Assignment]:
    """Three units read, one of them differently; the draw takes every one."""
    monkeypatch.setattr(blank, "BLANK_SHARE", 1.0)
    with_adjudicator(workplace, 3)
    read_all(workplace, {DIFFERS: (3, 5, 3, 2, 1)})
    workplace.work(*JOBS)
    return [one for one in workplace.assignments() if one.selection is Selection.BLANK]


def test_agreed_units_alone_are_drawn_and_shown_as_to_a_reader(
    workplace: Workplace, drawn: list[Assignment]
) -> None:
    assert {one.unit for one in drawn} == {"study-0001-sagittal", "study-0003-sagittal"}
    adjudicator = adjudications(workplace)[0].adjudicator
    for one in drawn:
        assert (one.reader, one.arm, one.shown) == (adjudicator, Arm.UNAIDED, None)
        task = task_of(workplace, one.key)
        assert task.result is None
        assert set(task.data) == {"key", "slices", "open"}
        assert '"smart_box": false' in (workplace.settings.keys / f"{one.key}.json").read_text()


def test_overturns_are_counted_and_labels_stay(
    workplace: Workplace, client: TestClient, drawn: list[Assignment]
) -> None:
    waiting = client.get("/api/adjudications/blank").json()
    assert (waiting["given"], waiting["read"]) == (2, 0)
    assert waiting["errors"]["grade"]["value"] is None
    before = {unit: label.body for unit, label in labels(workplace).items()}
    first, second = drawn
    read(workplace, first, *AGREED)
    read(workplace, second, 3, 3, 4, 2, 1)
    workplace.work(*JOBS)
    found = client.get("/api/adjudications/blank").json()
    assert (found["read"], found["overturned"]) == (2, 1)
    grade = found["errors"]["grade"]
    assert (grade["discs"], grade["overturned"], grade["value"]) == (10, 1, pytest.approx(0.1))
    assert found["errors"]["level"]["overturned"] == 0
    assert {unit: label.body for unit, label in labels(workplace).items()} == before
    assert [one.unit for one in adjudications(workplace)] == [DIFFERS]
    page = client.get("/adjudications/blank", headers={"accept": "text/html"})
    assert "10.0%" in page.text


def test_each_unit_is_given_once(workplace: Workplace, drawn: list[Assignment]) -> None:
    workplace.work(*JOBS)
    assert len([one for one in workplace.assignments() if one.selection is Selection.BLANK]) == len(drawn)
