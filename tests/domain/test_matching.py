from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.boxes import Box
from domain.findings import Disc, Herniation, SliceBox
from domain.matching import group_lesions, lesion_disc, match_discs, match_lesions
from domain.taxonomy import Level, Plane
from tests.domain.columns import column, disc_box

seeds = st.integers(0, 2**32)


def mark(slice_: int, x: float, y: float, size: float = 10) -> Herniation:
    return Herniation(boxes=(SliceBox(slice=slice_, box=Box(x1=x, y1=y, x2=x + size, y2=y + size)),))


@given(seeds, st.integers(1, 7), st.floats(0, 4), st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)))
@settings(max_examples=150)
def test_a_disc_is_matched_with_itself_whatever_is_missing_or_jittered(
    seed: int, count: int, jitter: float, gone_first: set[int], gone_second: set[int]
) -> None:
    random_ = random.Random(seed)
    first = column(count, random_, jitter=jitter, missing=frozenset(gone_first)).discs
    second = column(count, random_, jitter=jitter, missing=frozenset(gone_second), slices=(7, 8)).discs
    pairs = match_discs(first, second, Plane.SAGITTAL)
    levels = {
        (
            first[p.first].level if p.first is not None else None,
            second[p.second].level if p.second is not None else None,
        )
        for p in pairs
    }
    ours, theirs = {d.level for d in first}, {d.level for d in second}
    expected = {(x if x in ours else None, x if x in theirs else None) for x in ours | theirs}
    assert levels == expected


@given(seeds, st.integers(1, 7))
@settings(max_examples=100)
def test_the_order_of_the_discs_does_not_matter(seed: int, count: int) -> None:
    random_ = random.Random(seed)
    first = list(column(count, random_, jitter=3).discs)
    second = list(column(count, random_, jitter=3, missing=frozenset({0})).discs)
    straight = match_discs(first, second, Plane.SAGITTAL)
    shuffled_first, shuffled_second = random_.sample(first, len(first)), random_.sample(second, len(second))
    shuffled = match_discs(shuffled_first, shuffled_second, Plane.SAGITTAL)
    assert [
        (
            None if p.first is None else shuffled_first[p.first],
            None if p.second is None else shuffled_second[p.second],
        )
        for p in shuffled
    ] == [
        (
            None if p.first is None else first[p.first],
            None if p.second is None else second[p.second],
        )
        for p in straight
    ]


def test_discs_come_from_the_lowest_up_and_the_unmatched_in_their_place() -> None:
    random_ = random.Random(1)
    first = column(5, random_, missing=frozenset({2})).discs
    second = column(5, random_, missing=frozenset({0})).discs
    pairs = match_discs(first, second, Plane.SAGITTAL)
    assert [(p.first, p.second) for p in pairs] == [(0, None), (1, 0), (None, 1), (2, 2), (3, 3)]


def test_sagittal_discs_on_different_slices_are_compared_on_the_nearest() -> None:
    random_ = random.Random(2)
    first, second = column(5, random_, slices=(6,)).discs, column(5, random_, slices=(8,), shift=1).discs
    assert [(p.first, p.second) for p in match_discs(first, second, Plane.SAGITTAL)] == [
        (i, i) for i in range(5)
    ]


def test_axial_discs_on_different_slices_are_matched_by_level() -> None:
    box = disc_box(0, random.Random(3))
    discs = [
        Disc(boxes=(SliceBox(slice=s, box=box),), level=level)
        for s, level in ((3, Level.L5_S1), (9, Level.L4_5), (4, Level.L5_S1), (10, Level.L4_5))
    ]
    pairs = match_discs(discs[:2], discs[2:], Plane.AXIAL)
    assert [(p.first, p.second, p.overlap) for p in pairs] == [(0, 0, None), (1, 1, None)]


def test_boxes_below_a_third_of_overlap_are_not_one_disc() -> None:
    wide = Disc(boxes=(SliceBox(slice=0, box=Box(x1=0, y1=0, x2=100, y2=10)),), level=Level.L4_5)
    low = Disc(boxes=(SliceBox(slice=0, box=Box(x1=60, y1=0, x2=160, y2=10)),), level=Level.L4_5)
    assert [(p.first, p.second) for p in match_discs([wide], [low], Plane.SAGITTAL)] == [(0, None), (None, 0)]


def test_marks_on_neighbouring_slices_are_one_lesion_and_on_one_slice_two() -> None:
    discs = column(5, random.Random(4)).discs
    one = group_lesions([mark(6, 208, 405), mark(8, 209, 405), mark(7, 208, 406)], discs, spacing=0.6)
    assert [[b.slice for b in g.boxes] for g in one] == [[6, 7, 8]]
    assert len(group_lesions([mark(6, 208, 405), mark(6, 211, 407)], discs, spacing=0.6)) == 2
    assert len(group_lesions([mark(6, 208, 405), mark(9, 208, 405)], discs, spacing=0.6)) == 2


def test_a_lesion_belongs_to_the_disc_of_its_level_else_to_the_nearest() -> None:
    discs = column(5, random.Random(5)).discs
    far = mark(7, 208, 405)
    assert lesion_disc(far, discs) == 0
    assert lesion_disc(far.model_copy(update={"level": Level.L3_4}), discs) == 2
    assert lesion_disc(far, ()) is None


def test_lesions_match_within_three_millimetres_or_a_tenth_of_overlap() -> None:
    discs = column(1, random.Random(6)).discs
    here = group_lesions([mark(7, 200, 405, 4)], discs, spacing=0.6)
    near = group_lesions([mark(8, 204.5, 405, 4)], discs, spacing=0.6)
    far = group_lesions([mark(7, 206, 405, 4)], discs, spacing=0.6)
    assert [(p.first, p.second) for p in match_lesions(here, near, spacing=0.6)] == [(0, 0)]
    assert [(p.first, p.second) for p in match_lesions(here, far, spacing=0.6)] == [(0, None), (None, 0)]
    overlapping = group_lesions([mark(7, 215, 405, 40)], discs, spacing=0.6)
    large = group_lesions([mark(7, 195, 405, 40)], discs, spacing=0.6)
    assert [(p.first, p.second) for p in match_lesions(large, overlapping, spacing=0.6)] == [(0, 0)]
