"""The main job on phantoms: `discloop demo`, two blind readings, ledger, adjudication, consensus, kappa."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest
from playwright.sync_api import Browser
from sklearn.metrics import cohen_kappa_score

from tests.end_to_end.main_job import Read, check_ledger, read_sagittal_list, wait_for_ledger
from tests.end_to_end.stack import Demo, SignIn
from tests.end_to_end.surgeon import Surgeon
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]
FIRST, SECOND, DECIDED = (4, 3, 3, 2, 1), (4, 4, 3, 2, 1), 4
"""Grades from the lowest disc up: the readers part on the second disc, which the adjudicator calls 4."""


def test_two_surgeons_read_blind_a_third_decides_and_every_label_is_kept_once(
    demo: Demo, browser: Browser
) -> None:
    one, two = demo.of_role("reader")
    reads = {
        one.id: read_sagittal_list(browser, demo, one, two, FIRST),
        two.id: read_sagittal_list(browser, demo, two, one, SECOND),
    }
    check_ledger(demo, reads)
    (adjudicator,) = demo.of_role("adjudicator")
    units = len(reads[one.id])
    assert decide_all(browser, demo, adjudicator, (one, two), units) == units
    check_consensus(demo, units)
    check_agreement(demo, reads[one.id], reads[two.id])


def decide_all(browser: Browser, demo: Demo, who: SignIn, readers: tuple[SignIn, SignIn], units: int) -> int:
    """Decide every disputed unit by keys, told of Reader 1 and Reader 2 only; how many there were."""
    surgeon = Surgeon(browser, demo.label_studio, who)
    try:
        until(lambda: _waiting(surgeon)[1] == units, within_s=120, what="the disputed units put before them")
        project, left = _waiting(surgeon)
        surgeon.open_list(project)
        for _ in range(left):
            task = surgeon.task
            until(lambda: surgeon.selected.startswith("open-disc-"), within_s=30, what="the disputed disc")
            _names_nobody(surgeon, readers)
            asked = surgeon.decide(str(DECIDED), "w")
            assert asked >= 1
            answer = surgeon.submit()
            assert answer.status == 201, answer.text()
            if _waiting(surgeon)[1]:
                until(lambda task=task: surgeon.task != task, within_s=30, what="the next unit")  # type: ignore[misc]
                surgeon.wait_unit()
        return left
    finally:
        surgeon.context.close()


def _waiting(surgeon: Surgeon) -> tuple[int, int]:
    """The adjudicator's sagittal project, and how many of its units are undecided."""
    projects = surgeon.ask("/api/projects/?page_size=100")["results"]
    (number,) = [project["id"] for project in projects if project["title"] == "Adjudication, sagittal"]
    tasks = surgeon.ask(f"/api/tasks/?project={number}&page_size=100")["tasks"]
    return number, sum(not task["total_annotations"] for task in tasks)


def _names_nobody(surgeon: Surgeon, readers: tuple[SignIn, SignIn]) -> None:
    told = surgeon.page.content() + str(surgeon.ask(f"/api/tasks/{surgeon.task}/"))
    assert "Reader 1" in told
    assert "Reader 2" in told
    assert [word for reader in readers for word in (reader.id, reader.email) if word in told] == []


def check_consensus(demo: Demo, units: int) -> None:
    """What was decided is decided, with its reason; everything else of the unit stands as agreed."""

    def labels() -> list[dict[str, Any]]:
        rows = demo.client.get("/api/consensus", limit=100)
        return [row for row in rows if row["plane"] == "sagittal"]

    until(lambda: len(labels()) == units, within_s=120, what="the consensus of every unit")
    for row in labels():
        assert row["provenance"] == "adjudicated"
        lowest, disputed, *others = row["consensus"]["discs"]
        assert (disputed["pfirrmann"], disputed["provenance"], disputed["reason"]) == (
            DECIDED,
            "adjudicated",
            "boundary",
        )
        assert (lowest["pfirrmann"], lowest["provenance"]) == (FIRST[0], "agreed")
        assert [disc["pfirrmann"] for disc in others[:3]] == list(FIRST[2:])


def check_agreement(demo: Demo, first: list[Read], second: list[Read]) -> None:
    """Linear kappa as scikit-learn has it on the same grades; each reader's list is shuffled."""
    report = demo.client.get("/api/agreement", arm="all")
    unit = {row["task_key"]: row["unit"] for row in wait_for_ledger(demo, len(first) + len(second))}
    grades = [
        list(chain.from_iterable(read.grades for read in sorted(reads, key=lambda read: unit[read.key])))
        for reads in (first, second)
    ]
    assert report["n"]["paired"] == len(grades[0]) == len(grades[1])
    expected = cohen_kappa_score(*grades, weights="linear")
    assert report["kappa_linear"]["value"] == pytest.approx(expected, abs=1e-9)
