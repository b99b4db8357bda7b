"""Adjudicating in a real browser, through the guard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from domain.boxes import Box
from domain.findings import Disc, Findings, Herniation, SliceBox
from domain.taxonomy import Level, Plane, Reason, name_column
from labeling_configs.codec import (
    Kind,
    decode_adjudication,
    encode_findings,
    encode_locked,
)
from labeling_configs.configs import adjudication_config
from labeling_configs.table import Row, readings_table
from tests.label_studio import LabelStudio
from tests.reading_page.desk import DISCS, MIDLINE, SLICES, desk
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]
LEVELS = name_column(5, 1, Level.L5_S1)
LESION = Herniation(
    boxes=tuple(
        SliceBox(slice=MIDLINE + n, box=Box(x1=245, y1=345, x2=270, y2=370 - 10 * n)) for n in range(2)
    ),
    level=Level.L4_5,
)


def findings(grades: tuple[int | None, ...], lesions: tuple[Herniation, ...] = ()) -> Findings:
    discs = tuple(
        Disc(boxes=(SliceBox(slice=MIDLINE, box=box),), level=level, pfirrmann=grade)
        for box, level, grade in zip(DISCS, LEVELS, grades, strict=True)
    )
    return Findings(plane=Plane.SAGITTAL, discs=discs, herniations=lesions)


def test_only_what_differs_is_decided_with_two_keys_each(label_studio: LabelStudio, browser: Browser) -> None:
    first, second = findings((4, 3, 3, 2, 1), (LESION,)), findings((4, 4, 3, 2, 2))
    prefilled = findings((4, None, 3, 2, None), (LESION,))
    result = [
        *encode_locked(first, reader=1, slices=SLICES),
        *encode_locked(second, reader=2, slices=SLICES),
        *encode_findings(prefilled, slices=SLICES, asked=[(Kind.HERNIATION, 0)]),
    ]
    with desk(
        label_studio,
        browser,
        config=adjudication_config(Plane.SAGITTAL),
        kind="adjudication",
        result=result,
        table=readings_table([Row("L4/5", "3", "4", True)]),
    ) as read:
        read.wait_selected(f"open-disc-2-{MIDLINE + 1}")
        assert "Reader 2" in read.page.inner_text(".dl-table")
        assert "L4/5, grade 3" in read.labels()
        read.press("3", "w")
        read.wait_selected(f"open-disc-5-{MIDLINE + 1}")
        read.press("5", "q")
        read.wait_selected(f"asked-herniation-1-{MIDLINE + 1}")
        read.press("n", "k")
        read.press("ArrowDown")
        until(
            lambda: "Herniation" in read.labels(), within_s=10, what="its next slice, where nothing is asked"
        )
        boxes = read.count()
        read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[0])")
        read.press("Backspace")
        assert read.count() == boxes, "a reader's locked box cannot be deleted"
        assert read.submit().status == 201
        decided = decode_adjudication(read.kept(), plane=Plane.SAGITTAL, slices=SLICES)
        assert decided.findings == findings((4, 3, 3, 2, 5))
        assert decided.discs == {1: Reason.BOUNDARY, 4: Reason.CRITERION}
        assert [(found.kind, found.reason) for found in decided.rejected] == [
            (Kind.HERNIATION, Reason.MISSED)
        ]


def test_a_decision_on_a_unit_taken_back_meanwhile_says_so(
    label_studio: LabelStudio, browser: Browser
) -> None:
    result = encode_findings(findings((4, None, 3, 2, 1)), slices=SLICES)
    with desk(
        label_studio,
        browser,
        config=adjudication_config(Plane.SAGITTAL),
        kind="adjudication",
        result=result,
        table=readings_table([Row("L4/5", "3", "4", True)]),
    ) as read:
        read.wait_selected(f"open-disc-2-{MIDLINE + 1}")
        read.press("3", "w")
        with label_studio.service() as service:
            assert service.delete(f"/api/tasks/{read.task}/").status_code == 204
        assert read.submit().status == 403
        banner = read.page.locator(".dl-refused")
        banner.wait_for()
        assert "no longer open to you" in banner.inner_text()
        assert read.count() == 5, "what was said stays on the page"
