"""A whole session at the page: the units of a list one after the other, key presses and clicks counted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from domain.findings import Disc, Findings, Proposal, ProposedDisc, SliceBox
from domain.taxonomy import Arm, Level, Plane, Reason, name_column
from labeling_configs.codec import decode, decode_adjudication, encode, encode_findings, encode_locked
from labeling_configs.configs import adjudication_config, reading_config
from labeling_configs.table import Row, readings_table
from tests.label_studio import LabelStudio, project_of, reader
from tests.reading_page.desk import COUNT, COUNTING, DISCS, MIDLINE, SLICES, Desk, list_of, paint_unit
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]

LEVELS = name_column(5, 1, Level.L5_S1)
TABLE = readings_table([Row("L4/5", "3", "4", True)])
PRESSES = {"boxes": 7, "full": 1, "unaided": 17}
"""Key presses and clicks of a unit, submit among them: grades and a level; nothing; for each disc a key, a
stroke and a grade, and a level."""


def proposed(arm: Arm) -> list[dict[str, Any]]:
    """What a reader of this arm is shown."""
    discs = tuple(
        ProposedDisc(
            index=i, level=level, slice=MIDLINE, box=box, score=0.9, pfirrmann=3, pfirrmann_probs=None
        )
        for i, (box, level) in enumerate(zip(DISCS, LEVELS, strict=True), start=1)
    )
    proposal = Proposal(model="m", discs=discs, uncertainty=0.1)
    return encode(proposal, arm=arm, plane=Plane.SAGITTAL, slices=SLICES)


def findings(*grades: int | None) -> Findings:
    """A reading of the painted discs."""
    return Findings(
        plane=Plane.SAGITTAL,
        discs=tuple(
            Disc(boxes=(SliceBox(slice=MIDLINE, box=box),), level=level, pfirrmann=grade)
            for box, level, grade in zip(DISCS, LEVELS, grades, strict=True)
        ),
    )


def differing(place: int, grade: int) -> list[dict[str, Any]]:
    """Two readings that differ in one grade, as an adjudicator is shown them."""
    ours, theirs, asked = [3, 3, 3, 2, 1], [3, 3, 3, 2, 1], [3, 3, 3, 2, 1]
    theirs[place], asked[place] = grade, None  # type: ignore[call-overload]
    return [
        *encode_locked(findings(*ours), reader=1, slices=SLICES),
        *encode_locked(findings(*theirs), reader=2, slices=SLICES),
        *encode_findings(findings(*asked), slices=SLICES),
    ]


@contextmanager
def room(
    site: LabelStudio,
    browser: Browser,
    *,
    config: str,
    results: Sequence[list[dict[str, Any]]],
    kind: str = "reading",
) -> Iterator[tuple[Desk, list[int]]]:
    """A new person with a list of units, at the first of them; and the numbers of the tasks."""
    person = f"p-{secrets.token_hex(4)}"
    role = "adjudicator" if kind == "adjudication" else "reader"
    project = project_of(person, plane=Plane.SAGITTAL, kind=kind, label_config=config)
    site.put_projection(people=[reader(person, role=role)], projects=[project])
    site.set_password(person)
    number = site.projects[project["key"]]
    tasks = []
    for result in results:
        key = secrets.token_hex(12)
        paint_unit(site, key, Plane.SAGITTAL)
        slices = [f"/discloop/slices/{number}/{key}/{i}" for i in range(COUNT)]
        data = {"key": key, "slices": slices, "open": MIDLINE, "table": TABLE}
        predictions = [{"result": result, "model_version": "m"}] if result else []
        tasks += site.import_tasks(number, [{"data": data, "predictions": predictions}])
    with list_of(site, browser, person, number) as page:
        page.wait_for_selector(".dl-stack canvas", state="attached", timeout=60_000)
        page.evaluate(COUNTING)
        yield Desk(site, page, Plane.SAGITTAL, tasks[0]), tasks


def at_task(read: Desk, task: int) -> None:
    """Wait until the page shows this task on its midline, ready to be read."""
    ready = f"""() => {{
      const stack = window.Htx?.annotationStore?.selected?.names?.get('slices');
      return window.Htx?.task?.id == {task} && stack.imageIsLoaded && stack.stageWidth > 1
             && stack.currentImage === {MIDLINE};
    }}"""
    until(lambda: bool(read.page.evaluate(ready)), within_s=60, what=f"task {task} open")


def grades(read: Desk, task: int) -> list[list[int | None]]:
    """The grades of each of a task's revisions, in the order of the outbox."""
    return [
        [disc.pfirrmann for disc in decode(entry["result"], plane=Plane.SAGITTAL, slices=SLICES).discs]
        for entry in read.site.outbox()
        if entry["task"] == task
    ]


def test_a_reader_reads_the_list_to_its_end_and_corrects_an_earlier_unit(
    label_studio: LabelStudio, browser: Browser
) -> None:
    arms = [Arm.BOXES, Arm.FULL, Arm.UNAIDED]
    results = [[] if arm is Arm.UNAIDED else proposed(arm) for arm in arms]
    with room(label_studio, browser, config=reading_config(Plane.SAGITTAL), results=results) as (read, tasks):
        pressed = {}
        for arm, task in zip(arms, tasks, strict=True):
            at_task(read, task)
            before = read.pressed
            if arm is Arm.UNAIDED:
                for box, grade in zip(DISCS, "43321", strict=True):
                    read.press("d")
                    read.drag(box)
                    read.press(grade)
                read.press("s")
            elif arm is Arm.BOXES:
                read.wait_selected(f"disc-1-{MIDLINE + 1}")
                read.press(*"s43321")
            assert read.submit().status == 201
            pressed[str(arm)] = read.pressed - before
        assert pressed == PRESSES
        read.page.locator(".lsf-sub__result").wait_for()
        leave_by_the_way_back(read.page)
        assert [grades(read, task) for task in tasks] == [
            [[4, 3, 3, 2, 1]],
            [[3, 3, 3, 3, 3]],
            [[4, 3, 3, 2, 1]],
        ]
        correct(read, tasks[0])
        assert grades(read, tasks[0]) == [[4, 3, 3, 2, 1], [5, 3, 3, 2, 1]]


def leave_by_the_way_back(page: Page) -> None:
    """From the end of a list to the worklists, and to the list of all units, which offers nothing refused."""
    page.locator("a.dl-home").click()
    page.wait_for_url("**/discloop/worklists")
    page.get_by_text("all units").click()
    page.locator(".lsf-tab-panel").wait_for()
    # Their number of predictions would tell the arms.
    shown = page.locator(".lsf-table-head [data-id]")
    columns = ["tasks:id", "tasks:total_annotations", "tasks:draft_exists"]
    expect(shown).to_have_count(len(columns))
    assert [column.get_attribute("data-id") for column in shown.all()] == columns
    assert "redictions" not in page.inner_text("body")
    for refused in ("dm-import-button", "dm-export-button"):
        expect(page.get_by_test_id(refused)).to_have_count(1, timeout=30_000)
        expect(page.get_by_test_id(refused)).to_be_hidden()


def correct(read: Desk, task: int) -> None:
    """Open the unit from the list and grade the lowest disc otherwise."""
    address = read.page.url.split("/data")[0]
    read.page.goto(f"{address}/data?task={task}")
    at_task(read, task)
    submitted = "Boolean(Htx.annotationStore.selected?.pk && Htx.annotationStore.selected.regions.length)"
    until(lambda: bool(read.page.evaluate(submitted)), within_s=30, what="the submitted answer shown")
    read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[0])")
    # As while a slice loads: the editor lets a change in that time take the place of what was there before.
    read.page.evaluate("Htx.annotationStore.selected.history.freeze('loading')")
    read.page.evaluate("Htx.annotationStore.selected.history.setReplaceNextUndoState(true)")
    read.press("5")
    read.page.evaluate("Htx.annotationStore.selected.history.unfreeze('loading')")
    expect(read.page.get_by_role("button", name="submit")).to_be_enabled(timeout=30_000)
    read.press("Control+Enter")
    until(lambda: len(grades(read, task)) == 2, within_s=10, what="the correction kept")


def test_an_adjudicator_decides_a_list_with_two_keys_a_grade(
    label_studio: LabelStudio, browser: Browser
) -> None:
    with room(
        label_studio,
        browser,
        config=adjudication_config(Plane.SAGITTAL),
        results=[differing(1, 4), differing(3, 4)],
        kind="adjudication",
    ) as (read, tasks):
        for task, disc, keys in zip(tasks, (2, 4), ("4w", "3q"), strict=True):
            at_task(read, task)
            read.wait_selected(f"open-disc-{disc}-{MIDLINE + 1}")
            before = read.pressed
            read.press(*keys)
            assert read.submit().status == 201
            assert read.pressed - before == 3, "a grade, a reason, submit"
        entries = [entry for entry in read.site.outbox() if entry["task"] in tasks]
        results = [entry["result"] for entry in entries]
        said = [decode_adjudication(result, plane=Plane.SAGITTAL, slices=SLICES) for result in results]
        decided = [one.findings.discs[place].pfirrmann for one, place in zip(said, (1, 3), strict=True)]
        assert decided == [4, 3]
        assert [list(one.discs.values()) for one in said] == [[Reason.BOUNDARY], [Reason.CRITERION]]
