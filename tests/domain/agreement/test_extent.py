"""Boxes and slices."""

import pytest

from domain.agreement.extent import BoxPair, SliceMarks, box_agreement, slice_f1
from domain.boxes import Box


def test_boxes_in_millimetres() -> None:
    box, moved = Box(x1=0, y1=0, x2=10, y2=10), Box(x1=5, y1=0, x2=15, y2=10)
    done = box_agreement([BoxPair.of(p, box, moved, 0.5) for p in "abc"], resamples=100)
    assert done.overlap.value == pytest.approx(1 / 3)
    assert done.centre_distance_mm.value == pytest.approx(2.5)
    assert box_agreement([]).overlap.reason == "no box was drawn by both readers"


def test_f1_per_slice() -> None:
    marks = [(True, True), (True, False), (False, True), (False, False)] * 3
    stacks = [SliceMarks.of(patient, marks[:4]) for patient in "abc"]
    assert slice_f1(stacks, resamples=100).value == pytest.approx(0.5)
    assert slice_f1([SliceMarks("a", 0, 0)]).reason == "no reader marked any slice"
