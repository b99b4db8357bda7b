"""Draws depend on the seed and on nothing else."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from backend.worklists.arms import ALWAYS_UNAIDED, DEFAULT_SHARES, draw_arm, draw_order, draw_pairs
from domain.taxonomy import Arm, Split

seeds = st.integers(min_value=0, max_value=2**31 - 1)


@given(seed=seeds, patient=st.text(min_size=1), split=st.sampled_from(sorted(ALWAYS_UNAIDED)))
def test_test_and_external_patients_are_always_unaided(seed: int, patient: str, split: Split) -> None:
    assert draw_arm(patient, split, seed=seed, shares={Arm.FULL: 1}) is Arm.UNAIDED


def test_arms_come_in_their_shares() -> None:
    drawn = Counter(draw_arm(f"patient-{n}", Split.TRAIN, seed=7, shares=DEFAULT_SHARES) for n in range(3000))
    assert all(900 < drawn[arm] < 1100 for arm in Arm)
    assert {draw_arm(f"p-{n}", Split.VAL, seed=7, shares={Arm.BOXES: 1}) for n in range(50)} == {Arm.BOXES}


@given(
    seed=seeds, readers=st.integers(min_value=2, max_value=6), count=st.integers(min_value=0, max_value=60)
)
def test_pairs_are_two_people_and_spread_evenly(seed: int, readers: int, count: int) -> None:
    names = [f"p-{n}" for n in range(readers)]
    pairs = draw_pairs([f"s-{n}" for n in range(count)], names, seed=seed, load={})
    assert len(pairs) == count
    assert all(one != other for one, other in pairs.values())
    carried = Counter(reader for pair in pairs.values() for reader in pair)
    loads = [carried[name] for name in names]
    assert max(loads) - min(loads) <= 2


def test_earlier_load_is_evened_out() -> None:
    pairs = draw_pairs([f"s-{n}" for n in range(10)], ["a", "b", "c"], seed=1, load={"a": 10, "b": 0, "c": 0})
    carried = Counter(reader for pair in pairs.values() for reader in pair)
    assert carried["a"] == 0


@given(seed=seeds)
def test_orders_are_reproducible_and_each_their_own(seed: int) -> None:
    units = [f"u-{n}" for n in range(40)]
    one = draw_order(units, "reading-a", seed=seed)
    assert one == draw_order(list(reversed(units)), "reading-a", seed=seed)
    assert sorted(one) == sorted(units)
    assert one != draw_order(units, "reading-b", seed=seed)
