"""The column among the detector's candidates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.column import FILLED_SCORE, fill_holes, suppress_overlaps, trace_column
from ml_backend.samples import BoxArray
from tests.ml_backend.spines import draw_spine


def spine(count: int = 7, *, spacing: float = 40.0) -> BoxArray:
    """A gently curved column, lowest first."""
    rows = []
    for i in range(count):
        x, y = 200 + 0.8 * (i - 3) ** 2, 400 - spacing * i
        rows.append([x - 25, y - 9, x + 25, y + 9])
    return np.array(rows, np.float32)


def test_a_clean_column_is_found_whole_from_the_lowest_up() -> None:
    boxes = spine()
    column = trace_column(boxes[::-1], np.full(7, 0.8, np.float32))
    assert np.allclose(column.boxes, boxes)
    assert column.doubt < 0.2


def test_false_candidates_beside_the_column_are_left_out() -> None:
    boxes = np.concatenate((spine(), [[20, 300, 70, 318], [330, 100, 380, 118]])).astype(np.float32)
    scores = np.array([0.8] * 7 + [0.5, 0.45], np.float32)
    assert np.allclose(trace_column(boxes, scores).boxes, spine())


def test_a_second_box_on_the_same_disc_is_suppressed() -> None:
    boxes = np.concatenate((spine(), spine()[2:3] + 3)).astype(np.float32)
    scores = np.array([0.8] * 7 + [0.6], np.float32)
    assert len(suppress_overlaps(boxes, scores)) == 7


def test_a_missed_disc_is_filled_with_low_score() -> None:
    boxes = np.delete(spine(), 3, axis=0)
    column = trace_column(boxes, np.full(6, 0.8, np.float32))
    assert column.count == 7
    assert column.scores[3] == pytest.approx(FILLED_SCORE)
    assert column.boxes[3] == pytest.approx(spine()[3], abs=6)


def test_a_faint_disc_in_its_place_is_preferred_to_a_hole() -> None:
    scores = np.full(7, 0.8, np.float32)
    scores[3] = 0.15
    column = trace_column(spine(), scores)
    assert column.count == 7
    assert column.scores[3] == pytest.approx(0.15)
    assert column.doubt > 0.5


def test_discs_that_shrink_upward_make_no_hole() -> None:
    boxes = spine(8)
    heights = np.cumsum([0, 50, 48, 44, 40, 37, 35, 33]).astype(np.float32)
    boxes[:, 1], boxes[:, 3] = 400 - heights - 9, 400 - heights + 9
    assert len(fill_holes(boxes, np.ones(8, np.float32))[0]) == 8


def test_nothing_in_gives_an_empty_column_in_full_doubt() -> None:
    column = trace_column(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert column.count == 0
    assert column.doubt == 1.0


def test_one_candidate_is_a_column_of_one() -> None:
    assert trace_column(spine(1), np.array([0.9], np.float32)).count == 1
    assert trace_column(spine(1), np.array([0.03], np.float32)).count == 0


@given(
    st.lists(
        st.tuples(st.floats(0, 400), st.floats(0, 400), st.floats(0, 90), st.floats(0, 60), st.floats(0, 1)),
        max_size=30,
    )
)
def test_any_candidates_give_an_ordered_column(rows: list[tuple[float, ...]]) -> None:
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in rows], np.float32).reshape(-1, 4)
    column = trace_column(boxes, np.array([row[4] for row in rows], np.float32))
    middles = (column.boxes[:, 1] + column.boxes[:, 3]) / 2
    assert (np.diff(middles) < 0).all()
    assert 0 <= column.doubt <= 1


def test_the_drawn_spine_of_the_tests_is_a_column() -> None:
    _, boxes = draw_spine()
    assert trace_column(boxes, np.full(len(boxes), 0.7, np.float32)).count == len(boxes)
