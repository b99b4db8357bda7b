"""Reading a sagittal unit in a real browser, through the guard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Route, expect

from domain.findings import Proposal, ProposedDisc
from domain.taxonomy import Arm, Level, Plane, name_column
from labeling_configs.codec import decode, encode
from labeling_configs.configs import reading_config
from tests.label_studio import LabelStudio
from tests.reading_page.desk import DISCS, MIDLINE, SLICES, Desk, desk
from tests.reading_page.snapping import snapping_backend
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]
CONFIG = reading_config(Plane.SAGITTAL)
MOST_PRESSES = 12
"""For five correct boxes: grades, one level, submit (issue of the reading room)."""

PROPOSAL = Proposal(
    model="m",
    discs=tuple(
        ProposedDisc(
            index=i, level=level, slice=MIDLINE, box=box, score=0.987, pfirrmann=i, pfirrmann_probs=None
        )
        for i, (box, level) in enumerate(zip(DISCS, name_column(5, 1, Level.L5_S1), strict=True), start=1)
    ),
    uncertainty=0.1,
)

HOLD_TIMERS = """() => {
  const plain = window.setTimeout, held = [];
  window.setTimeout = (f, ms, ...rest) => (ms === 0 ? held.push(f) : plain(f, ms, ...rest));
  window.letTimersGo = () => { window.setTimeout = plain; held.forEach((f) => f()); };
}"""
"""Keeps what the page put off until it is let go."""


def shown(arm: Arm) -> list[dict[str, object]]:
    return encode(PROPOSAL, arm=arm, plane=Plane.SAGITTAL, slices=SLICES)


def grades(read: Desk) -> list[tuple[Level | None, int | None]]:
    findings = decode(read.kept(), plane=Plane.SAGITTAL, slices=SLICES)
    return [(disc.level, disc.pfirrmann) for disc in findings.discs]


def test_five_correct_boxes_take_few_presses(label_studio: LabelStudio, browser: Browser) -> None:
    with desk(label_studio, browser, config=CONFIG, result=shown(Arm.BOXES)) as read:
        assert read.shown_slice == MIDLINE
        read.wait_selected(f"disc-1-{MIDLINE + 1}")
        read.press("s", "4", "3", "3", "2", "1")
        read.page.locator(".dl-answer", has_text="(L1/2) · 1").wait_for()
        assert read.submit().status == 201
        assert read.pressed <= MOST_PRESSES
        assert read.pressed == 7
        assert grades(read) == [
            (Level.L5_S1, 4),
            (Level.L4_5, 3),
            (Level.L3_4, 3),
            (Level.L2_3, 2),
            (Level.L1_2, 1),
        ]


def test_a_refused_submit_says_why_and_goes_to_the_disc(label_studio: LabelStudio, browser: Browser) -> None:
    with desk(label_studio, browser, config=CONFIG, result=shown(Arm.BOXES)) as read:
        read.wait_selected(f"disc-1-{MIDLINE + 1}")
        read.press("s", "4", "3", "3", "6")
        assert read.submit().status == 400
        refusal = read.page.locator(".dl-refused")
        expect(refusal).to_contain_text(f"disc 5 from below on slice {MIDLINE + 1}: it has no grade")
        read.wait_selected(f"disc-5-{MIDLINE + 1}")
        read.press("5")
        assert read.submit().status == 201
        assert grades(read)[3:] == [(Level.L2_3, None), (Level.L1_2, 5)]


def test_the_same_key_confirms_a_proposed_grade(label_studio: LabelStudio, browser: Browser) -> None:
    with desk(label_studio, browser, config=CONFIG, result=shown(Arm.FULL)) as read:
        until(lambda: "L5/S1 · 1" in read.labels(), within_s=10, what="the proposed answers beside the boxes")
        assert "0.98" not in read.page.inner_text("body")
        read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[0])")
        read.press("1")
        read.wait_selected(f"disc-2-{MIDLINE + 1}")
        read.press("5")
        assert read.submit().status == 201
        assert [grade for _, grade in grades(read)] == [1, 5, 3, 4, 5]


def test_a_reader_draws_pages_and_grades_without_a_proposal(
    label_studio: LabelStudio, browser: Browser
) -> None:
    with desk(label_studio, browser, config=CONFIG) as read:
        assert _names_levels_as_the_domain_does(read)
        for position, grade in enumerate("23"):
            read.press("d")
            read.drag(DISCS[position])
            read.press(grade)
        read.press("f", "ArrowDown")
        until(lambda: read.shown_slice == MIDLINE + 1, within_s=5, what="the next slice")
        read.drag(DISCS[1])
        read.press("4", "z")
        until(lambda: "Herniation · Protrusion" in read.labels(), within_s=10, what="the lesion's words")
        read.page.mouse.wheel(0, -100)
        until(lambda: read.shown_slice == MIDLINE, within_s=5, what="the slice before")
        read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[0])")
        read.press("s")
        assert read.submit().status == 201
        findings = decode(read.kept(), plane=Plane.SAGITTAL, slices=SLICES)
        assert [(disc.level, disc.pfirrmann) for disc in findings.discs] == [
            (Level.L5_S1, 2),
            (Level.L4_5, 3),
        ]
        (herniation,) = findings.herniations
        assert (herniation.type, herniation.level) == ("protrusion", Level.L4_5)
        assert herniation.primary.slice == MIDLINE + 1


def test_a_rough_box_snaps_to_the_disc(label_studio: LabelStudio, browser: Browser) -> None:
    with (
        snapping_backend() as address,
        desk(label_studio, browser, config=CONFIG, ml_backend=address) as read,
    ):
        read.press("d")
        read.page.wait_for_function("Htx.autoAnnotation")
        read.drag(DISCS[0])
        moved = "Htx.annotationStore.selected.regions.some((box) => box.x === 50 && box.inSelection)"
        until(lambda: read.page.evaluate(moved), within_s=15, what="the drawn box on the disc, selected")
        read.press("3", "s")
        assert read.submit().status == 201
        (disc,) = decode(read.kept(), plane=Plane.SAGITTAL, slices=SLICES).discs
        box = DISCS[0]
        assert disc.primary.box.as_list() == pytest.approx([200, box.y1, 280, box.y2], abs=1)


def test_a_stroke_quicker_than_the_choice_of_its_tool_is_kept(
    label_studio: LabelStudio, browser: Browser
) -> None:
    """The tool was once changed in the middle of such a stroke, and nothing could be drawn after it."""
    with (
        snapping_backend() as address,
        desk(label_studio, browser, config=CONFIG, ml_backend=address) as read,
    ):
        read.page.evaluate(HOLD_TIMERS)
        read.press("d")
        read.drag(DISCS[0], halfway=lambda: read.page.evaluate("window.letTimersGo()"))
        moved = "Htx.annotationStore.selected.regions.some((box) => box.x === 50)"
        until(lambda: read.page.evaluate(moved), within_s=15, what="the drawn box on the disc")
        read.press("d")
        read.drag(DISCS[1])


def test_keys_pressed_before_the_smart_box_has_answered_are_kept(
    label_studio: LabelStudio, browser: Browser
) -> None:
    with (
        snapping_backend() as address,
        desk(label_studio, browser, config=CONFIG, ml_backend=address) as read,
    ):
        held: list[Route] = []
        read.page.route("**/interactive-annotating*", lambda route: held.append(route))
        settled = (
            "Htx.annotationStore.selected.regions.every((box) => !box.dynamic) && !Htx.awaitingSuggestions"
        )

        def answer() -> None:
            until(lambda: held and read.count(), within_s=10, what="the smart box asked")
            held.pop().continue_()
            until(lambda: read.page.evaluate(settled), within_s=10, what="the box on the disc")

        read.press("d")
        read.drag(DISCS[0])
        read.press("3", "s")
        answer()
        read.press("d")
        read.drag(DISCS[1])
        read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[0])")
        read.press("5")
        answer()
        read.page.evaluate("Htx.annotationStore.selected.selectArea(Htx.annotationStore.selected.regions[1])")
        read.press("2")
        assert read.submit().status == 201
        assert grades(read) == [(Level.L5_S1, 5), (Level.L4_5, 2)]


def _names_levels_as_the_domain_does(read: Desk) -> bool:
    asked = [(count, i, level) for count in range(1, 10) for i in range(1, count + 1) for level in Level]
    named = read.page.evaluate("asked => asked.map((a) => discloopReading.nameColumn(...a))", asked)
    return bool(named == [list(name_column(*question)) for question in asked])
