from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.taxonomy import COLUMNS, Level, is_column, name_column


def test_naming_the_lowest_disc_names_the_ordinary_column() -> None:
    assert name_column(5, 1, Level.L5_S1) == (
        Level.L5_S1,
        Level.L4_5,
        Level.L3_4,
        Level.L2_3,
        Level.L1_2,
    )


@pytest.mark.parametrize(
    ("index", "level", "lowest"),
    [
        (2, Level.L4_5, Level.L5_S1),
        (2, Level.L5_6, Level.L6_S1),
        (1, Level.S1_2, Level.S1_2),
        (2, Level.L5_S1, Level.S1_2),
        (3, Level.L4_5, Level.L6_S1),
    ],
)
def test_transitional_anatomy_follows_the_named_disc(index: int, level: Level, lowest: Level) -> None:
    assert name_column(6, index, level)[0] is lowest


def test_a_cut_field_of_view_slides_the_ordinary_column() -> None:
    assert name_column(3, 1, Level.L3_4) == (Level.L3_4, Level.L2_3, Level.L1_2)


def test_discs_beyond_the_column_have_no_level() -> None:
    assert name_column(9, 1, Level.L5_S1)[7:] == (None, None)


@pytest.mark.parametrize("index", [0, 6])
def test_a_disc_that_is_not_there_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="one of 1 to 5"):
        name_column(5, index, Level.L4_5)


@given(count=st.integers(1, 8), data=st.data())
def test_the_named_disc_keeps_its_name_and_its_neighbours_follow(count: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(1, count))
    level = data.draw(st.sampled_from(list(Level)))
    named = name_column(count, index, level)
    assert len(named) == count
    assert named[index - 1] is level
    known = tuple(one for one in named if one is not None)
    assert is_column(known)


@given(column=st.sampled_from(COLUMNS), start=st.integers(0, 5), length=st.integers(1, 6))
def test_a_run_of_any_column_is_a_column_and_its_reverse_is_not(
    column: tuple[Level, ...], start: int, length: int
) -> None:
    run = column[start : start + length]
    assert is_column(run)
    if len(run) > 1:
        assert not is_column(run[::-1])


def test_every_column_names_each_level_once() -> None:
    for column in COLUMNS:
        assert all(lower is not upper for lower, upper in pairwise(column))
        assert len(set(column)) == len(column)
