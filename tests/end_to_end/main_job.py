"""The main job: two surgeons read the same studies, blind, in Chromium; the ledger has all of it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from playwright.sync_api import Browser

from domain.boxes import Box
from tests.end_to_end.stack import Demo, SignIn
from tests.end_to_end.surgeon import Surgeon
from tests.waiting import until

SHARES = (1000, 1000)
COLUMN = tuple(Box(x1=400, y1=760 - 120 * i, x2=520, y2=800 - 120 * i) for i in range(5))
"""Where a surgeon who is shown nothing draws five discs, in thousandths of the slice."""
GRADES = (4, 3, 3, 2, 1)


@dataclass(frozen=True)
class Read:
    """What one surgeon did with one unit."""

    key: str
    grades: tuple[int, ...]
    shown: int
    """Boxes that were there."""


def read_sagittal_list(
    browser: Browser, demo: Demo, who: SignIn, other: SignIn, grades: Sequence[int] = GRADES
) -> list[Read]:
    """Sign in, be shown the own list only, read all of its sagittal units with these grades, lowest first."""
    surgeon = Surgeon(browser, demo.label_studio, who)
    try:
        projects = surgeon.ask("/api/projects/?page_size=100")["results"]
        assert len(projects) == 2
        _sees_nothing_of(surgeon, browser, demo, other)
        (number,) = [project["id"] for project in projects if "sagittal" in project["title"].lower()]
        waiting = len(surgeon.ask(f"/api/tasks/?project={number}&page_size=100")["tasks"])
        surgeon.open_list(number)
        read = [read_unit(surgeon, grades, last=left == 1) for left in range(waiting, 0, -1)]
        assert surgeon.ask(f"/api/projects/{number}/next/") == 404
        return read
    finally:
        surgeon.context.close()


def _sees_nothing_of(surgeon: Surgeon, browser: Browser, demo: Demo, other: SignIn) -> None:
    rival = Surgeon(browser, demo.label_studio, other)
    try:
        for project in rival.ask("/api/projects/?page_size=100")["results"]:
            number = project["id"]
            tasks = rival.ask(f"/api/tasks/?project={number}&page_size=100")["tasks"]
            paths = [f"/projects/{number}/data", f"/api/projects/{number}/", f"/api/tasks/?project={number}"]
            for task in tasks[:1]:
                paths.append(f"/api/tasks/{task['id']}/")
                paths.append(f"/discloop/slices/{number}/{task['data']['key']}/0")
            for path in paths:
                assert rival.status(path) == 200, path
                assert surgeon.status(path) in (403, 404), path
    finally:
        rival.context.close()


def read_unit(surgeon: Surgeon, pattern: Sequence[int], *, last: bool) -> Read:
    """Correct or draw boxes, grade every disc by key, name one level, submit."""
    key, task, shown = surgeon.key, surgeon.task, len(surgeon.boxes())
    if shown:
        surgeon.correct(surgeon.boxes()[0]["id"])
    else:
        for box in COLUMN:
            surgeon.draw(box, SHARES)
    grades = tuple(islice(cycle(pattern), len(surgeon.boxes())))
    surgeon.grade(grades)
    if not any("/" in words for words in surgeon.answers()):
        surgeon.name_lowest()
    answer = surgeon.submit()
    assert answer.status == 201, answer.text()
    if not last:
        until(lambda: surgeon.task != task, within_s=30, what="the next unit")
        surgeon.wait_unit()
    return Read(key, grades, shown)


def wait_for_ledger(demo: Demo, revisions: int) -> list[dict[str, Any]]:
    """The ledger's rows with content, once it has so many."""
    client = demo.client
    until(
        lambda: client.get("/api/readings/summary")["revisions"] >= revisions,
        within_s=60,
        what=f"{revisions} revisions in the ledger",
    )
    rows: list[dict[str, Any]] = client.get("/api/readings", limit=1000, content=True)
    return rows


def check_ledger(demo: Demo, reads: dict[str, list[Read]]) -> None:
    """Every reading is there exactly once, by its reader, with its arm and what was shown."""
    keys = {unit.key for units in reads.values() for unit in units}
    rows = [row for row in wait_for_ledger(demo, len(keys)) if row["task_key"] in keys]
    by_key = {row["task_key"]: row for row in rows}
    assert len(rows) == len(by_key) == len(keys)
    for reader, units in reads.items():
        for unit in units:
            row = by_key[unit.key]
            assert (row["reader"], row["event"], row["number"]) == (reader, "created", 1)
            assert tuple(disc["pfirrmann"] for disc in row["findings"]["discs"]) == unit.grades
            assert row["arm"] in ("unaided", "boxes", "full")
            boxes = [part for part in row["shown"] or () if part["type"] == "rectanglelabels"]
            assert (len(boxes) > 0) == (unit.shown > 0)
            if row["arm"] == "unaided":
                assert boxes == []
    assert set(Counter(row["unit"] for row in rows).values()) == {2}
    arms = Counter((row["unit"], row["arm"]) for row in rows)
    assert set(arms.values()) == {2}, "both readers of a unit have one arm"
