"""Poor quality of real slices is noticed, good quality left alone; the whole table is in the evidence."""

from __future__ import annotations

import pytest

from tests.real.degradations import WAYS, RealSlice, measured, read_slices, told_of

PICTURES = 5


@pytest.fixture(scope="module")
def reported() -> list[RealSlice]:
    """A few of the patients on whom no threshold was set."""
    return [own for own in read_slices()[1::2] if len(own.discs) >= 5][:PICTURES]


@pytest.mark.parametrize(
    "way", ["noise, ratio 6", "noise, ratio 2.5", "ghosts of 12 % along the body", "cut off in front"]
)
def test_what_is_spoilt_is_noticed(reported: list[RealSlice], way: str) -> None:
    wanted = set(WAYS[way][1])
    assert sum(bool(told_of(measured(own, way)) & wanted) for own in reported) >= PICTURES - 1


def test_what_is_good_is_left_alone(reported: list[RealSlice]) -> None:
    assert sum(bool(told_of(measured(own, "as it is"))) for own in reported) <= 1
