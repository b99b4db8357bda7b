"""Draws depend on the seed and on nothing else."""

from __future__ import annotations

import math
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


def test_a_thousand_plans_are_balanced() -> None:
    """Six readers, 45 patients with one or two studies; the expected counts with four standard errors."""
    readers = [f"p-{n}" for n in range(6)]
    patient_of = {f"s-{n}": f"patient-{n // 2 if n < 30 else n - 15}" for n in range(60)}
    arms, per_reader = Counter[Arm](), Counter[tuple[str, Arm]]()
    plans = 1000
    for seed in range(plans):
        pairs = draw_pairs(list(patient_of), readers, seed=seed, load={})
        drawn = {
            patient: draw_arm(patient, Split.TRAIN, seed=seed, shares=DEFAULT_SHARES)
            for patient in sorted(set(patient_of.values()))
        }
        arms.update(drawn.values())
        per_reader.update(
            (reader, drawn[patient_of[study]]) for study, pair in pairs.items() for reader in pair
        )
        loads = Counter(reader for pair in pairs.values() for reader in pair)
        assert set(loads.values()) == {20}
        together = Counter(tuple(sorted(pair)) for pair in pairs.values())
        # Equal loads come first: a pair may meet up to twice as often as the mean of 4.
        assert max(together.values()) <= 8
    patients = plans * 45
    assert all(abs(arms[arm] - patients / 3) < 4 * math.sqrt(patients * 2 / 9) for arm in Arm)
    # A patient's second study has the same arm, so a reader's units count as at most twice correlated.
    units = plans * 20
    spread = 4 * math.sqrt(2 * units * 2 / 9)
    assert all(abs(per_reader[reader, arm] - units / 3) < spread for reader in readers for arm in Arm)


@given(seed=seeds)
def test_orders_are_reproducible_and_each_their_own(seed: int) -> None:
    units = [f"u-{n}" for n in range(40)]
    one = draw_order(units, "reading-a", seed=seed)
    assert one == draw_order(list(reversed(units)), "reading-a", seed=seed)
    assert sorted(one) == sorted(units)
    assert one != draw_order(units, "reading-b", seed=seed)
