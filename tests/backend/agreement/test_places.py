from __future__ import annotations

import pytest

from backend.agreement.places import Places, as_csv, where
from domain.agreement.extent import BoxPair, SliceMarks
from domain.boxes import Box
from domain.disagreements import Subject
from domain.taxonomy import Arm

MARKS = ((True, True), (True, False), (False, False))


def places(patient: str, *, arm: Arm = Arm.UNAIDED, is_random: bool = True) -> Places:
    """A disc boxed 3 and 4 pixels apart at half a millimetre a pixel, and a herniation on three slices."""
    first, second = Box(x1=0, y1=0, x2=10, y2=10), Box(x1=3, y1=4, x2=13, y2=14)
    pairs = {
        Subject.DISC: (BoxPair.of(patient, first, second, 0.5),),
        Subject.HERNIATION: (),
        Subject.HIZ: (),
    }
    marks = {Subject.HERNIATION: SliceMarks.of(patient, MARKS), Subject.HIZ: SliceMarks.of(patient, ())}
    return Places(arm, is_random, pairs, marks)


def test_overlap_distance_and_f1_of_the_arm_and_the_random_share() -> None:
    found = where(
        [places("a"), places("b"), places("c", arm=Arm.FULL), places("d", is_random=False)], "unaided"
    )
    assert found.discs.boxes == 2
    assert found.discs.overlap.value == pytest.approx(42 / 158)
    assert found.discs.centre_distance_mm.value == pytest.approx(2.5)
    assert found.herniation_slice_f1.value == pytest.approx(2 / 3)
    assert found.herniations.overlap.value is None
    assert found.herniations.overlap.reason


def test_the_figures_as_a_table() -> None:
    lines = as_csv(where([places("a"), places("b")], "unaided")).splitlines()
    assert lines[0] == "finding,boxes,statistic,value,low,high,se,reason"
    assert lines[1].startswith("discs,2,overlap,0.2658")
    assert [line.split(",")[2] for line in lines[1:]] == ["overlap", "centre_distance_mm"] + [
        "overlap",
        "centre_distance_mm",
        "slice_f1",
    ] * 2
    assert lines[-1] == "hiz,0,slice_f1,,,,,no reader marked any slice"
