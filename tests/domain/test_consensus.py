from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.boxes import Box
from domain.comparison import compare
from domain.confusion import ADJUDICATOR_DECAY, READER_DECAY, confusion, soft_adjudicated, soft_agreed
from domain.consensus import Consensus, Decision, agree, decide
from domain.findings import Findings, Herniation, SliceBox
from domain.merging import agreed_findings, average_boxes
from domain.taxonomy import HerniationType, Level, NotGradable, Reason
from tests.domain.columns import column
from tests.domain.test_comparison import SPACING, with_disc

grades = st.integers(1, 5)


def box(x: float, slice_: int = 7) -> SliceBox:
    return SliceBox(slice=slice_, box=Box(x1=x, y1=405, x2=x + 10, y2=415))


def read_alike(seed: int = 0) -> tuple[Findings, Findings]:
    random_ = random.Random(seed)
    given_grades = tuple(random_.randint(1, 5) for _ in range(5))
    return (
        column(5, random_, jitter=2, grades=given_grades),
        column(5, random_, jitter=2, grades=given_grades),
    )


def settle(first: Findings, second: Findings, decision: Decision) -> Consensus:
    return decide(first, second, compare(first, second, spacing=SPACING), decision)


def test_readings_that_agree_become_the_label_with_averaged_boxes() -> None:
    first, second = read_alike()
    label = agree(first, second, compare(first, second, spacing=SPACING))
    assert label.provenance == "agreed"
    assert [d.index for d in label.discs] == [1, 2, 3, 4, 5]
    assert [d.pfirrmann for d in label.discs] == [d.pfirrmann for d in first.discs]
    edges = [
        (a.primary.box.x1 + b.primary.box.x1) / 2 for a, b in zip(first.discs, second.discs, strict=True)
    ]
    assert [d.boxes[0].box.x1 for d in label.discs] == pytest.approx(edges, abs=0.001)


def test_readings_that_differ_are_refused_without_a_decision() -> None:
    first, second = read_alike()
    other = with_disc(second, 0, pfirrmann=None, not_gradable=NotGradable.CUT)
    with pytest.raises(ValueError, match="gradability:disc:1"):
        agree(first, other, compare(first, other, spacing=SPACING))


def test_an_open_grade_is_left_blank_and_the_rest_prefilled() -> None:
    first = column(5, random.Random(0), grades=(3, 3, 3, 3, 3))
    second = with_disc(first, 1, pfirrmann=4)
    agreed = agreed_findings(first, second, compare(first, second, spacing=SPACING))
    assert [d.pfirrmann for d in agreed.discs] == [3, None, 3, 3, 3]
    assert [d.level for d in agreed.discs] == [d.level for d in first.discs]


def test_a_shifted_column_is_prefilled_without_names() -> None:
    first, second = column(5, random.Random(0)), column(5, random.Random(1), shift=1)
    agreed = agreed_findings(first, second, compare(first, second, spacing=SPACING))
    assert [d.level for d in agreed.discs] == [None] * 5
    assert [d.pfirrmann for d in agreed.discs] == [3] * 5


def test_the_decision_rules_and_its_reason_is_kept() -> None:
    first = column(5, random.Random(0), grades=(3, 3, 3, 3, 3))
    second = with_disc(first, 1, pfirrmann=4)
    final = with_disc(first, 1, pfirrmann=5)
    label = settle(first, second, Decision(findings=final, discs={1: Reason.CRITERION}))
    assert label.provenance == "adjudicated"
    assert [d.provenance for d in label.discs] == ["agreed", "adjudicated", "agreed", "agreed", "agreed"]
    assert (label.discs[1].pfirrmann, label.discs[1].reason) == (5, Reason.CRITERION)
    assert all(d.reason is None for d in label.discs if d.index != 2)


def test_an_overturned_agreement_is_adjudicated() -> None:
    first = column(5, random.Random(0), grades=(3, 3, 3, 3, 3))
    second = with_disc(first, 1, pfirrmann=4)
    final = with_disc(with_disc(first, 1, pfirrmann=4), 3, pfirrmann=1)
    label = settle(first, second, Decision(findings=final, unit=Reason.MISSED))
    assert (label.discs[3].provenance, label.discs[3].reason) == ("adjudicated", Reason.MISSED)
    soft = label.discs[3].soft
    assert soft is not None
    assert soft.index(max(soft)) == 0


def test_a_dropped_agreement_makes_the_unit_adjudicated() -> None:
    first, second = read_alike()
    final = first.model_copy(update={"discs": first.discs[1:]})
    assert settle(first, second, Decision(findings=final)).provenance == "adjudicated"


def test_lesions_keep_what_was_agreed_and_mark_what_was_decided() -> None:
    base = column(5, random.Random(0))
    both = Herniation(boxes=(box(205),), level=Level.L5_S1, type=HerniationType.PROTRUSION)
    low = SliceBox(slice=7, box=Box(x1=215, y1=240, x2=225, y2=250))
    only_one = Herniation(boxes=(low,), level=Level.L2_3)
    first = base.model_copy(update={"herniations": (both, only_one)})
    second = base.model_copy(update={"herniations": (both.model_copy(update={"type": None}),)})
    comparison = compare(first, second, spacing=SPACING)
    agreed = agreed_findings(first, second, comparison)
    assert [h.type for h in agreed.herniations] == [HerniationType.PROTRUSION]
    label = settle(first, second, Decision(findings=first, herniations={1: Reason.MISSED}))
    assert [(h.provenance, h.reason) for h in label.herniations] == [
        ("agreed", None),
        ("adjudicated", Reason.MISSED),
    ]


def test_boxes_on_other_slices_are_kept_and_the_decided_slice_comes_first() -> None:
    merged = average_boxes([box(10, 8), box(10, 7)], [box(14, 7), box(14, 6)])
    assert [(b.slice, b.box.x1) for b in merged] == [(7, 12), (6, 14), (8, 10)]


@given(grades, st.lists(grades, max_size=2))
def test_the_decision_is_always_the_likeliest(decision: int, said: list[int]) -> None:
    soft = soft_adjudicated(decision, said)
    assert sum(soft) == pytest.approx(1, abs=1e-5)
    assert soft.index(max(soft)) == decision - 1


@given(grades)
def test_two_readers_make_a_grade_surer_than_one(grade: int) -> None:
    assert soft_agreed([grade, grade])[grade - 1] > soft_agreed([grade])[grade - 1]


def test_confusion_rows_are_distributions_and_the_adjudicator_errs_less() -> None:
    reader, adjudicator = confusion(READER_DECAY), confusion(ADJUDICATOR_DECAY)
    assert reader.sum(1) == pytest.approx([1] * 5)
    assert (adjudicator.diagonal() > reader.diagonal()).all()
    assert reader[2, 2] == pytest.approx(0.79, abs=0.005)
    with pytest.raises(ValueError, match="between 0 and 1"):
        confusion(1.0)
