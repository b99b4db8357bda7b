from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings

from domain.boxes import Box
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Proposal, SliceBox
from domain.taxonomy import (
    Arm,
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    Plane,
    Quality,
    Reason,
)
from labeling_configs.codec import (
    InvalidReading,
    Kind,
    SliceSize,
    decode,
    decode_adjudication,
    encode,
    encode_findings,
    encode_locked,
)
from tests.labeling_configs.strategies import (
    SLICES,
    box_entry,
    broken_results,
    choice_entry,
    graded,
    proposals,
    sagittal_findings,
)

COLUMN = [
    *graded("l5", 80, "4"),
    *graded("l4", 60, "3"),
    *graded("l3", 40, "2"),
    choice_entry("l5", "level", "L5/S1"),
]


def read(result: Any, plane: Plane = Plane.SAGITTAL, slices: tuple[SliceSize, ...] = SLICES) -> Findings:
    return decode(result, plane=plane, slices=slices)


def problems(result: Any, plane: Plane = Plane.SAGITTAL) -> list[str]:
    with pytest.raises(InvalidReading) as caught:
        read(result, plane)
    return [str(problem) for problem in caught.value.problems]


@settings(max_examples=60, deadline=None)
@given(sagittal_findings())
def test_findings_come_back_as_they_went(findings: Findings) -> None:
    assert read(encode_findings(findings, slices=SLICES)) == findings


@settings(max_examples=20, deadline=None)
@given(sagittal_findings())
def test_sizes_are_taken_from_the_boxes_where_unknown(findings: Findings) -> None:
    assert read(encode_findings(findings, slices=SLICES), slices=()) == findings


@settings(max_examples=20, deadline=None)
@given(proposals())
def test_an_arm_sees_its_part_and_never_a_score(proposal: Proposal) -> None:
    shown = {arm: encode(proposal, arm=arm, plane=Plane.SAGITTAL, slices=SLICES) for arm in Arm}
    assert shown[Arm.UNAIDED] == []
    assert {entry["from_name"] for entry in shown[Arm.BOXES]} == {"finding"}
    assert {entry["value"]["rectanglelabels"][0] for entry in shown[Arm.BOXES]} == {"disc"}
    assert len(shown[Arm.BOXES]) == len(proposal.discs)
    assert "score" not in str(shown)
    full = read(shown[Arm.FULL])
    assert [disc.primary.box for disc in full.discs] == [disc.box for disc in proposal.discs]
    assert [disc.pfirrmann for disc in full.discs] == [disc.pfirrmann for disc in proposal.discs]
    assert [disc.level for disc in full.discs] == [disc.level for disc in proposal.discs]
    assert len(full.herniations) == len(proposal.herniations)


def test_axial_units_are_given_no_grade() -> None:
    box = Box(x1=100, y1=100, x2=200, y2=180)
    proposal = Proposal.model_validate(
        {
            "model": "m",
            "discs": [
                {"index": 1, "level": "L5/S1", "slice": 2, "box": box.model_dump(), "score": 0.9}
                | {"pfirrmann": 4, "pfirrmann_probs": None}
            ],
            "herniations": [{"level": "L4/5", "slice": 5, "box": box.model_dump(), "score": 0.8}],
            "uncertainty": 0.2,
        }
    )
    entries = encode(proposal, arm=Arm.FULL, plane=Plane.AXIAL, slices=SLICES)
    assert "pfirrmann" not in {entry["from_name"] for entry in entries}
    findings = read(entries, Plane.AXIAL)
    assert [disc.level for disc in findings.discs] == [Level.L5_S1]
    assert [lesion.level for lesion in findings.herniations] == [Level.L4_5]


def test_a_box_beyond_the_stack_is_not_encoded() -> None:
    box = SliceBox(slice=len(SLICES), box=Box(x1=1, y1=1, x2=9, y2=9))
    findings = Findings(plane=Plane.SAGITTAL, discs=(Disc(boxes=(box,), pfirrmann=1),))
    with pytest.raises(DiscLoopError, match="of 7 slices"):
        encode_findings(findings, slices=SLICES)


@settings(max_examples=150, deadline=None)
@given(broken_results())
def test_whatever_comes_is_read_or_refused_with_words(result: object) -> None:
    try:
        read(result)
    except InvalidReading as refused:
        invalid = refused
    else:
        return
    assert invalid.problems
    assert all(problem.finding and problem.reason for problem in invalid.problems)


@pytest.mark.parametrize(
    "result",
    [
        [],
        [*COLUMN, box_entry("x", slice_index=4, y=20)],
        [*COLUMN, choice_entry("l4", "not_gradable", "cut")],
        [*COLUMN, choice_entry("l3", "level", "L2/3")],
        [*COLUMN, *graded("again", 80.2)],
        [*COLUMN, *graded("l5+", 80.5, "5", slice_index=3)],
        [*COLUMN, box_entry("x", y=20, height=0.0)],
        [*COLUMN, choice_entry("l5", "verdict", "absent")],
        COLUMN[:-1],
    ],
)
def test_what_a_surgeon_has_to_mend_is_said_in_chinese_too(result: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidReading) as caught:
        read(result)
    for problem in caught.value.problems:
        assert problem.told("en") == str(problem)
        assert re.search("[\u4e00-\u9fff]", problem.told("zh"))
        assert not re.search("[a-z]{2}", problem.told("zh"))


def test_discs_run_from_the_lowest_up_and_levels_follow_the_named_one() -> None:
    findings = read(
        [*graded("a", 40, "2"), *graded("b", 80, "4"), *graded("c", 60), choice_entry("c", "level", "L4/5")]
    )
    assert [disc.pfirrmann for disc in findings.discs] == [4, 3, 2]
    assert [disc.level for disc in findings.discs] == [Level.L5_S1, Level.L4_5, Level.L3_4]


def test_a_disc_without_grade_is_named_by_its_place() -> None:
    assert problems([*COLUMN, box_entry("x", slice_index=4, y=20)]) == [
        "disc 4 from below on slice 5: it has no grade and no reason for none"
    ]


def test_everything_wrong_is_told_at_once() -> None:
    told = problems([*COLUMN[:1], *COLUMN[2:4], box_entry("x", y=20)])
    assert len(told) == 3
    assert told[-1] == "the discs: no disc has a level; name one, the others follow"


def test_boxes_of_one_disc_on_other_slices_inherit_its_grade() -> None:
    findings = read([*COLUMN, box_entry("l5+", slice_index=3, y=80.5)])
    assert len(findings.discs) == 3
    assert [box.slice for box in findings.discs[0].boxes] == [0, 3]
    assert findings.discs[0].pfirrmann == 4


def test_the_graded_box_decides_wherever_it_lies() -> None:
    findings = read([*COLUMN, box_entry("x", slice_index=1, y=20), *graded("y", 20.5, "5", slice_index=6)])
    assert findings.discs[3].primary.slice == 6
    assert findings.discs[3].pfirrmann == 5


def test_two_grades_for_one_disc_are_a_problem() -> None:
    (told,) = problems([*COLUMN, *graded("l5+", 80.5, "5", slice_index=3)])
    assert told.startswith("disc 1 from below on slice 1: 4 and 5 on slices 1, 4")


def test_a_grade_and_a_reason_for_none_exclude_each_other() -> None:
    (told,) = problems([*COLUMN, choice_entry("l4", "not_gradable", "cut")])
    assert told == "disc 2 from below on slice 1: it has a grade and a reason for none; take one back"


def test_not_gradable_with_a_reason_is_an_answer() -> None:
    findings = read([*COLUMN, box_entry("x", y=20), choice_entry("x", "not_gradable", "operated")])
    assert findings.discs[3].not_gradable is NotGradable.OPERATED


def test_names_that_do_not_follow_each_other_are_a_problem() -> None:
    (told,) = problems([*COLUMN, choice_entry("l3", "level", "L2/3")])
    assert told.startswith(
        "disc 3 from below on slice 1: named L2/3, but counted from disc 1 (L5/S1) it is L3/4"
    )


def test_a_box_drawn_twice_is_a_problem() -> None:
    told = problems([*COLUMN, *graded("again", 80.2)])
    assert told[0] == "disc on slice 1: two disc boxes lie on each other; delete one"


def test_lesions_belong_to_the_disc_they_touch_and_span_slices() -> None:
    findings = read(
        [
            *COLUMN,
            box_entry("h1", "herniation", 2, x=48.0, y=61, width=6.0),
            box_entry("h2", "herniation", 3, x=49.0, y=61, width=6.0),
            choice_entry("h2", "herniation_type", "protrusion"),
            box_entry("z", "hiz", 2, x=48.0, y=80.0, width=2.0, height=2.0),
            choice_entry("z", "hiz_side", "posterior"),
        ]
    )
    (herniation,) = findings.herniations
    assert herniation.level is Level.L4_5
    assert [box.slice for box in herniation.boxes] == [3, 2]
    assert herniation.type is HerniationType.PROTRUSION
    assert (findings.hiz[0].level, findings.hiz[0].side) == (Level.L5_S1, HizSide.POSTERIOR)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rotation": 3}, "rotated"),
        ({"image_rotation": 90}, "rotated"),
        ({"x": float("nan")}, "not as expected"),
        ({"y": -4}, "leaves the image"),
        ({"width": 90}, "leaves the image"),
        ({"width": -5}, "no area"),
        ({"width": 0.1}, "too small"),
        ({"rectanglelabels": ["vertebra"]}, "must be one of disc, herniation, hiz"),
        ({"rectanglelabels": ["disc", "hiz"]}, "not as expected"),
        ({"rectanglelabels": []}, "not as expected"),
        ({"item_index": 7}, "slice 8 of 7"),
        ({"item_index": -1}, "slice 0 of 7"),
        ({"item_index": None}, "on which slice"),
        ({"original_width": 999}, "drawn on an image of"),
        ({"from_name": "boxes"}, "no such question"),
        ({"to_name": "scout"}, "no such question"),
        ({"id": "l5"}, "no identity"),
        ({"id": ""}, "no identity"),
    ],
)
def test_a_box_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    told = problems([*COLUMN, box_entry("x", **{"y": 20.0, **changes}), choice_entry("x", "pfirrmann", "3")])
    assert words in told[0]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (choice_entry("l5", "pfirrmann", "6"), "one answer"),
        (choice_entry("l4", "level", "L9"), "must be one of"),
        (choice_entry("l4", "level", "L4/5", "L3/4"), "one answer"),
        (choice_entry("nobody", "pfirrmann", "3"), "belongs to no box"),
        (choice_entry("l4", "hiz_side", "anterior"), "not asked"),
        (choice_entry("u", "quality", "perfect"), "must be one of good, limited, unreadable"),
        (
            {"id": "q", "from_name": "pfirrmann", "to_name": "slices", "type": "rating", "value": {}},
            "no such question",
        ),
        ({"type": "relation", "from_id": "l5", "to_id": "l4"}, "not as expected"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(entry: dict[str, Any], words: str) -> None:
    assert words in problems([*COLUMN, entry])[0]


def test_an_alias_must_be_the_code_not_the_word() -> None:
    assert (
        "must be one of"
        in problems([*COLUMN, box_entry("x", y=20), choice_entry("x", "not_gradable", "Cut off")])[0]
    )


def test_a_little_over_the_edge_is_cut_to_the_image() -> None:
    findings = read([*COLUMN, *graded("x", 99.8, height=0.4, item_index=4)][:-2] + graded("x", -0.2, x=-0.3))
    assert findings.discs[-1].primary.box.x1 == 0
    assert findings.discs[-1].primary.box.y1 == 0


def test_an_unreadable_unit_needs_no_disc_and_any_other_does() -> None:
    assert read([choice_entry("q", "quality", "unreadable")]).quality is Quality.UNREADABLE
    assert problems([]) == ["the unit: no disc has a box; box the discs, or call the unit unreadable"]


def test_axial_readings_ask_for_no_grade_and_may_be_empty() -> None:
    assert read([], Plane.AXIAL).discs == ()
    assert "not asked" in problems([*COLUMN], Plane.AXIAL)[0]


def test_axial_discs_are_told_apart_by_slices_and_names() -> None:
    findings = read(
        [
            box_entry("a", slice_index=0),
            box_entry("b", slice_index=1),
            choice_entry("a", "level", "L5/S1"),
            box_entry("c", slice_index=2),
            choice_entry("c", "level", "L3/4"),
            box_entry("h", "herniation", 2, x=45.0),
        ],
        Plane.AXIAL,
    )
    assert [disc.level for disc in findings.discs] == [Level.L5_S1, Level.L3_4]
    assert [len(disc.boxes) for disc in findings.discs] == [2, 1]
    assert findings.herniations[0].level is Level.L3_4


def test_the_boxes_filled_in_as_one_axial_disc_are_named_by_one_of_them() -> None:
    apart = [box_entry("disc-1-1", slice_index=0), box_entry("disc-1-2", slice_index=1, y=20.0, height=5.0)]
    named = [*apart, choice_entry("disc-1-1", "level", "L5/S1")]
    (disc,) = read(named, Plane.AXIAL).discs
    assert (disc.level, len(disc.boxes)) == (Level.L5_S1, 2)
    moved = [*named, choice_entry("disc-1-2", "level", "L4/5")]
    assert [disc.level for disc in read(moved, Plane.AXIAL).discs] == [Level.L5_S1, Level.L4_5]


def test_every_axial_disc_is_named_and_in_order() -> None:
    unnamed = [
        box_entry("a", slice_index=0),
        choice_entry("a", "level", "L5/S1"),
        box_entry("b", slice_index=3),
    ]
    assert problems(unnamed, Plane.AXIAL) == ["disc on slice 4: it has no level"]
    above = [*unnamed, choice_entry("b", "level", "L5/S1")]
    assert len(read(above, Plane.AXIAL).discs) == 1
    (told,) = problems([*unnamed, choice_entry("b", "level", "S1/2")], Plane.AXIAL)
    assert told == "disc on slice 4: named S1/2, but it lies above L5/S1; slices run from the feet up"


def test_a_disc_s_narrow_edge_belongs_to_it() -> None:
    edge = box_entry("edge", slice_index=3, x=34, y=81, width=5, height=2)
    assert [box.slice for box in read([*COLUMN, edge]).discs[0].boxes] == [0, 3]


def test_a_lesion_s_last_slice_belongs_to_it() -> None:
    body = box_entry("body", "herniation", 2, x=48.0, y=61, width=6.0, height=6.0)
    end = box_entry("end", "herniation", 3, x=49.0, y=64, width=2.0, height=1.0)
    (herniation,) = read([*COLUMN, body, end]).herniations
    assert [box.slice for box in herniation.boxes] == [2, 3]


def test_of_two_marks_on_each_other_one_can_be_called_absent() -> None:
    asked = [
        box_entry(f"asked-herniation-{n}", "herniation", slice_index, x=48.0, y=61, width=6.0)
        for n, slice_index in (("1-3", 2), ("1-4", 3), ("2-4", 3))
    ]
    verdicts = {"asked-herniation-1-3": "present", "asked-herniation-2-4": "absent"}
    said = [
        entry
        for identity, verdict in verdicts.items()
        for entry in (choice_entry(identity, "verdict", verdict), choice_entry(identity, "reason", "missed"))
    ]
    decided = decode_adjudication([*COLUMN, *asked, *said], plane=Plane.SAGITTAL, slices=SLICES)
    (kept,) = decided.findings.herniations
    assert [box.slice for box in kept.boxes] == [2, 3]
    assert [found.kind for found in decided.rejected] == [Kind.HERNIATION]
    said[2]["value"]["choices"] = ["present"]
    assert any("lie on each other" in one for one in problems([*COLUMN, *asked, *said]))


def test_an_axial_lesion_needs_a_level_or_a_disc() -> None:
    (told,) = problems([box_entry("h", "herniation", 4)], Plane.AXIAL)
    assert (
        told == "herniation on slice 5: it belongs to no disc; name its level, or box the disc it comes from"
    )
    named = read([box_entry("h", "herniation", 4), choice_entry("h", "level", "L4/5")], Plane.AXIAL)
    assert named.herniations[0].level is Level.L4_5


def test_locked_boxes_of_the_readers_are_dropped() -> None:
    theirs = read(COLUMN)
    locked = encode_locked(theirs, reader=1, slices=SLICES) + encode_locked(theirs, reader=2, slices=SLICES)
    assert all(entry["readonly"] for entry in locked)
    assert locked[0]["meta"]["text"] == ["L5/S1, grade 4"]
    answered = choice_entry(locked[0]["id"], "pfirrmann", "1")
    assert read([*locked, answered, *COLUMN]) == theirs


def test_an_adjudicator_s_reasons_stand_by_the_findings() -> None:
    decided = decode_adjudication(
        [
            *COLUMN,
            choice_entry("l4", "reason", "boundary"),
            box_entry("h", "herniation", 0, y=80),
            choice_entry("h", "reason", "missed"),
            choice_entry("u", "unit_reason", "level"),
        ],
        plane=Plane.SAGITTAL,
        slices=SLICES,
    )
    assert decided.discs == {1: Reason.BOUNDARY}
    assert decided.herniations == {0: Reason.MISSED}
    assert decided.unit is Reason.LEVEL


def test_an_open_disc_is_left_to_the_adjudicator() -> None:
    agreed = read(COLUMN)
    disputed = agreed.model_copy(
        update={"discs": (agreed.discs[0].model_copy(update={"pfirrmann": None}), *agreed.discs[1:])}
    )
    entries = encode_findings(disputed, slices=SLICES)
    assert problems(entries) == [
        "disc 1 from below on slice 1: your decision has no reason",
        "disc 1 from below on slice 1: it has no grade and no reason for none",
    ]
    identity = entries[0]["id"]
    entries += [choice_entry(identity, "pfirrmann", "4"), choice_entry(identity, "reason", "criterion")]
    assert read(entries) == agreed


def test_what_one_reader_alone_marked_is_asked_and_can_be_rejected() -> None:
    agreed = read([*COLUMN, box_entry("h", "herniation", 0, x=49.0, y=80)])
    entries = encode_findings(agreed, slices=SLICES, asked=[(Kind.HERNIATION, 0)])
    assert problems(entries) == [
        "herniation on slice 1: only one reader marked it; say whether it is there",
    ]
    (identity,) = [entry["id"] for entry in entries if "herniation" in entry["id"]]
    reason = choice_entry(identity, "reason", "criterion")
    kept = [*entries, choice_entry(identity, "verdict", "present"), reason]
    assert decode_adjudication(kept, plane=Plane.SAGITTAL, slices=SLICES).findings == agreed
    gone = [*entries, choice_entry(identity, "verdict", "absent"), reason]
    decided = decode_adjudication(gone, plane=Plane.SAGITTAL, slices=SLICES)
    assert decided.findings.herniations == ()
    assert [(found.kind, found.reason) for found in decided.rejected] == [(Kind.HERNIATION, Reason.CRITERION)]


def test_a_verdict_without_a_reason_is_a_problem() -> None:
    told = problems([*COLUMN, choice_entry("l5", "verdict", "absent")])
    assert told[0].endswith("your decision has no reason")


def test_a_disc_that_is_not_there_is_not_counted() -> None:
    answers = [choice_entry("x", "verdict", "absent"), choice_entry("x", "reason", "other")]
    assert read([*COLUMN, *graded("x", 95), *answers]) == read(COLUMN)


def test_a_lesion_named_away_from_its_disc_keeps_its_name() -> None:
    findings = read(COLUMN)
    away = Herniation(boxes=findings.discs[0].boxes, level=Level.L3_4)
    named = findings.model_copy(update={"herniations": (away,)})
    assert read(encode_findings(named, slices=SLICES)) == named
