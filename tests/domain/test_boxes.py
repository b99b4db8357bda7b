import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.boxes import Box, intersection_over_union

edges = st.floats(0, 1000, allow_nan=False, width=32)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x1, y1 = draw(edges), draw(edges)
    width = draw(st.floats(0.5, 200))
    height = draw(st.floats(0.5, 200))
    return Box(x1=x1, y1=y1, x2=x1 + width, y2=y1 + height)


@pytest.mark.parametrize("wrong", [[5, 0, 5, 1], [0, 3, 1, 2], [0, 0, math.inf, 1], [0, math.nan, 1, 1]])
def test_an_empty_or_endless_box_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValidationError):
        Box.from_list(wrong)


def test_half_overlap_of_equal_boxes_is_a_third() -> None:
    assert intersection_over_union(Box.from_list([0, 0, 2, 1]), Box.from_list([1, 0, 3, 1])) == pytest.approx(
        1 / 3
    )


@given(a=boxes(), b=boxes())
def test_overlap_is_symmetric_and_between_nothing_and_all(a: Box, b: Box) -> None:
    overlap = intersection_over_union(a, b)
    assert overlap == pytest.approx(intersection_over_union(b, a))
    assert 0 <= overlap <= 1 + 1e-9


@given(a=boxes())
def test_a_box_overlaps_itself_wholly(a: Box) -> None:
    assert intersection_over_union(a, a) == pytest.approx(1)


@given(a=boxes())
def test_boxes_that_only_touch_do_not_overlap(a: Box) -> None:
    beside = Box(x1=a.x2, y1=a.y1, x2=a.x2 + 1, y2=a.y2)
    assert intersection_over_union(a, beside) == 0
