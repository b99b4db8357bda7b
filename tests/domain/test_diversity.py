from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.diversity import Places, spread_out, unlike_read
from domain.quotas import Quotas
from domain.ranking import Pool, Stratum, rank
from domain.taxonomy import Split


def places(units: list[list[float]], read: list[list[float]] | None = None) -> Places:
    return Places(units=np.array(units, dtype=float), read=np.array(read or [], dtype=float).reshape(-1, 2))


def test_among_equals_what_is_unlike_the_read_comes_first_and_twins_do_not_follow_each_other() -> None:
    here = places([[0, 0], [10, 0], [10, 0.1], [0, 9]], read=[[0, 0.1]])
    order = spread_out(np.zeros(4), np.arange(4), here, 1.0, 4)
    assert set(order[:2].tolist()) <= {1, 2, 3}
    assert set(order[:2].tolist()) != {1, 2}
    assert set(order[2:].tolist()) > {0}


def test_without_weight_the_value_rules() -> None:
    value = np.array([0.1, 0.9, 0.5])
    order = spread_out(value, np.argsort(-value), places([[0, 0], [0, 0], [9, 9]]), 0.0, 3)
    assert order.tolist() == [1, 2, 0]


@given(st.integers(1, 40), st.integers(0, 5), st.integers(1, 50), st.integers(0, 1000))
def test_every_unit_has_one_place(size: int, read: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    here = Places(units=rng.normal(size=(size, 3)), read=rng.normal(size=(read, 3)))
    value = rng.random(size)
    order = spread_out(value, np.argsort(-value), here, 2.0, count)
    assert sorted(order.tolist()) == list(range(size))


def test_inclusion_probabilities_stay_exact_with_diversity() -> None:
    rng = np.random.default_rng(1)
    pool = Pool(
        units=[str(i) for i in range(24)],
        splits=[Split.TRAIN] * 24,
        starts=np.arange(25),
        grades=rng.dirichlet(np.ones(5), 24),
        lesions=np.zeros((24, 2)),
        places=Places(units=rng.normal(size=(24, 3)), read=rng.normal(size=(2, 3))),
    )
    runs = 1500
    seen, stated = dict.fromkeys(pool.units, 0), {}
    for seed in range(runs):
        picks = rank(pool, 8, have={}, quotas=Quotas(), random_share=0.25, seed=seed)
        assert sum(p.stratum is Stratum.RANDOM for p in picks) == 2
        for pick in picks:
            seen[pick.unit] += 1
            stated[pick.unit] = pick.inclusion
    for unit, probability in stated.items():
        assert abs(seen[unit] / runs - probability) < 0.06, unit


def test_what_is_far_from_everything_read_is_called_so() -> None:
    rng = np.random.default_rng(3)
    read = rng.normal(size=(60, 2))
    units = np.array([[0.1, 0.1], [9.0, -9.0]])
    far = Places(units=units, read=read)
    assert unlike_read(far, np.array([0, 1])).tolist() == [False, True]
    assert not unlike_read(Places(units=units, read=read[:5]), np.array([0, 1])).any()
    pool = Pool(
        units=["near", "far"],
        splits=[Split.TRAIN] * 2,
        starts=np.arange(3),
        grades=np.full((2, 5), 0.2),
        lesions=np.zeros((2, 2)),
        places=far,
    )
    said = {p.unit: p.explanation for p in rank(pool, 2, have={}, random_share=0)}
    assert "unlike anything read" in said["far"]
    assert "unlike" not in said["near"]
