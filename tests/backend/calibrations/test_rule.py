"""Passing: near the key nearly everywhere, and better than chance by far."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from backend.calibrations.rule import LEAST_KAPPA, LEAST_WITHIN_ONE, Disc, score
from domain.taxonomy import Level

LEVELS = (Level.L5_S1, Level.L4_5, Level.L3_4, Level.L2_3, Level.L1_2)
PLACES: list[Disc] = [(f"study-{n}", level) for n in range(4) for level in LEVELS]
KEY = {place: 1 + n % 5 for n, place in enumerate(PLACES)}
grades = st.lists(st.integers(1, 5), min_size=20, max_size=20)


@given(said=grades)
def test_the_figures_are_what_they_are_called(said: list[int]) -> None:
    found = score(KEY, dict(zip(PLACES, said, strict=True)))
    truth = [KEY[place] for place in PLACES]
    assert found.kappa_linear is not None
    assert abs(found.kappa_linear - cohen_kappa_score(truth, said, weights="linear")) < 1e-9
    assert found.exact == sum(a == b for a, b in zip(truth, said, strict=True))
    near = sum(abs(a - b) <= 1 for a, b in zip(truth, said, strict=True))
    assert found.within_one == near
    assert found.passed == (found.kappa_linear >= LEAST_KAPPA and near >= LEAST_WITHIN_ONE * 20)


def test_a_disc_that_is_not_graded_is_no_agreement() -> None:
    assert (LEAST_KAPPA, LEAST_WITHIN_ONE) == (0.6, 0.95)
    assert score(KEY, KEY).passed
    one_left_out = {place: KEY[place] for place in PLACES[1:]}
    assert score(KEY, one_left_out).passed
    two_left_out = {place: KEY[place] for place in PLACES[2:]}
    assert (score(KEY, two_left_out).within_one, score(KEY, two_left_out).passed) == (18, False)
    assert not score(KEY, {}).passed
    assert score(KEY, {}).kappa_linear is None


def test_discs_that_the_key_does_not_name_count_for_nothing() -> None:
    more = KEY | {("study-0", Level.T12_L1): 5}
    assert score(KEY, more) == score(KEY, KEY)
