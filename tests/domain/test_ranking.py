from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.doubt import committee_disagreement, dispute_rates, ordinal_uncertainty
from domain.quotas import Quotas
from domain.ranking import Pick, Pool, RankingError, Stratum, rank
from domain.taxonomy import Split

SURE = [0.0, 0.0, 1.0, 0.0, 0.0]
TORN = [0.0, 0.0, 0.5, 0.5, 0.0]
FAR = [0.5, 0.0, 0.0, 0.0, 0.5]
RARE = [0.0, 0.0, 0.0, 0.2, 0.8]
FULL = {f"grade {g}": 300 for g in range(1, 6)} | {"herniation": 200, "hiz": 200}


def pool(*units: list[list[float]], lesions: list[list[float]] | None = None) -> Pool:
    return Pool(
        units=[f"unit-{i}" for i in range(len(units))],
        splits=[Split.TRAIN] * len(units),
        starts=np.cumsum([0, *(len(u) for u in units)]),
        grades=np.array([disc for unit in units for disc in unit]).reshape(-1, 5),
        lesions=np.array(lesions) if lesions else np.zeros((len(units), 2)),
        levels=["L4/5"] * sum(len(u) for u in units),
    )


def many(count: int, seed: int = 0) -> Pool:
    rng = np.random.default_rng(seed)
    return pool(*rng.dirichlet(np.ones(5), size=(count, 5)).tolist())


def ranked(picks: list[Pick]) -> list[str]:
    return [p.unit for p in picks if p.stratum is Stratum.RANKED]


def test_doubt_between_far_grades_counts_more() -> None:
    doubt = ordinal_uncertainty(np.array([SURE, TORN, FAR, [0.2] * 5]))
    assert doubt[0] == 0
    assert doubt[2] == 1
    assert doubt[0] < doubt[1] < doubt[3] < doubt[2]


def test_torn_units_come_before_sure_ones_when_quotas_are_met() -> None:
    units = pool([SURE] * 5, [TORN] * 5, [SURE] * 5, [SURE, TORN], [SURE] * 5)
    picks = rank(units, 5, have=FULL, seed=3)
    value = {p.unit: p.score for p in picks}
    assert value["unit-1"] > value["unit-3"] > value["unit-0"]
    order = ranked(picks)
    assert [value[u] for u in order] == sorted((value[u] for u in order), reverse=True)


def test_what_is_short_of_its_quota_comes_first_and_is_explained() -> None:
    units = pool(*([[SURE]] * 20), [RARE], *([[SURE]] * 20))
    have = FULL | {"grade 5": 3}
    picks = rank(units, 10, have=have, seed=1)
    pick = next(p for p in picks if p.unit == "unit-20")
    assert pick.score == max(p.score for p in picks)
    assert pick.explanation == "likely grade 5, 3 of 1203 so far; torn between 4 and 5 at L4/5"


def test_expected_lesions_count() -> None:
    units = pool([SURE], [SURE], lesions=[[0.0, 0.0], [0.9, 0.0]])
    value = {p.unit: p.score for p in rank(units, 2, have=FULL | {"herniation": 0})}
    assert value["unit-1"] > value["unit-0"]


def test_a_tenth_is_drawn_at_random_and_says_so() -> None:
    picks = rank(many(500), 100, have={}, seed=4)
    random_picks = [p for p in picks if p.stratum is Stratum.RANDOM]
    assert len(random_picks) == 10
    assert {p.explanation for p in random_picks} == {"drawn at random, as an unbiased sample"}
    assert {p.random_inclusion for p in picks} == {10 / 500}
    assert len({p.unit for p in picks}) == 100


def test_inclusion_probabilities_are_those_of_the_design() -> None:
    units, runs = many(30, seed=2), 2000
    stated = {p.unit: p.inclusion for p in rank(units, 30, have={}, random_share=0.0)}
    assert set(stated.values()) == {1.0}
    seen: dict[str, int] = {}
    for seed in range(runs):
        for pick in rank(units, 10, have={}, random_share=0.3, seed=seed):
            seen[pick.unit] = seen.get(pick.unit, 0) + 1
            stated[pick.unit] = pick.inclusion
    assert len(seen) == 30
    assert sum(stated.values()) == pytest.approx(10)
    for unit, count in seen.items():
        assert count / runs == pytest.approx(stated[unit], abs=0.05)


@given(st.integers(0, 60), st.integers(0, 80), st.integers(0, 1000))
def test_as_many_as_wanted_each_once(size: int, count: int, seed: int) -> None:
    units = many(size) if size else pool()
    picks = rank(units, count, have={}, seed=seed)
    assert len(picks) == min(size, count)
    assert len({p.unit for p in picks}) == len(picks)
    assert all(0 < p.inclusion <= 1 for p in picks)


def test_the_same_seed_gives_the_same_list() -> None:
    assert rank(many(50), 20, have={}, seed=7) == rank(many(50), 20, have={}, seed=7)


@pytest.mark.parametrize("split", [Split.TEST, Split.EXTERNAL])
def test_locked_patients_are_never_ranked(split: Split) -> None:
    units = many(3)
    locked = Pool(
        units=units.units,
        splits=[Split.TRAIN, split, Split.VAL],
        starts=units.starts,
        grades=units.grades,
        lesions=units.lesions,
    )
    with pytest.raises(RankingError, match=split.value):
        rank(locked, 1, have={})


def test_a_pool_whose_shapes_do_not_fit_is_refused() -> None:
    with pytest.raises(RankingError, match=r"starts \(2,\) from 0 to 1"):
        Pool(
            units=["u"],
            splits=[Split.TRAIN],
            starts=np.array([0, 2]),
            grades=np.array([SURE]),
            lesions=np.zeros((1, 2)),
        )


def test_a_unit_without_discs_has_no_score_but_can_be_drawn() -> None:
    picks = rank(pool([], [TORN]), 2, have={}, quotas=Quotas(rarity=0))
    assert {p.unit: p.score for p in picks}["unit-0"] == 0


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_a_starved_class_is_found_three_times_as_often_as_at_random_and_more_than_by_age(seed: int) -> None:
    """Grade 1 at 4% of discs, mostly in the young; a model that is right two times in three finds it.

    Two hundred readings are a hundred units, each read twice.
    """
    rng = np.random.default_rng(seed)
    patients, each, wanted = 2000, 5, 100
    age = rng.uniform(18, 80, patients)
    likely = np.exp(-(age - 18) / 25) * rng.gamma(1, 1, patients)
    chance = np.repeat((0.04 * likely / likely.mean()).clip(0, 1), each)
    starved = rng.random(patients * each) < chance
    true = np.where(starved, 0, rng.integers(1, 5, len(starved)))
    said = np.where(rng.random(len(starved)) < 0.67, true, rng.integers(0, 5, len(starved)))
    probs = np.full((len(starved), 5), 0.08)
    probs[np.arange(len(starved)), said] = 0.68
    have = {f"grade {g}": 250 for g in range(2, 6)} | {"grade 1": 5, "herniation": 200, "hiz": 200}
    units = Pool(
        units=[str(i) for i in range(patients)],
        splits=[Split.TRAIN] * patients,
        starts=np.arange(0, patients * each + 1, each),
        grades=probs,
        lesions=np.zeros((patients, 2)),
    )
    picks = rank(units, wanted, have=have, seed=seed)

    by_patient = starved.reshape(patients, each).sum(1)
    chosen = by_patient[[int(p.unit) for p in picks]]
    youngest = by_patient[np.argsort(age)[:wanted]]
    for found, aged, everyone in (
        (chosen.sum(), youngest.sum(), by_patient.mean()),
        ((chosen > 0).sum(), (youngest > 0).sum(), (by_patient > 0).mean()),
    ):
        assert found >= 3 * wanted * everyone
        assert found > aged


def test_a_committee_disagrees_where_its_members_do_not_where_all_doubt() -> None:
    ones, fives = [1.0, 0, 0, 0, 0], [0, 0, 0, 0, 1.0]
    members = np.array([[ones, [0.2] * 5, ones], [fives, [0.2] * 5, ones]])
    assert committee_disagreement(members) == pytest.approx([1, 0, 0])


def test_disputes_are_learned_by_grade_and_drawn_towards_the_mean() -> None:
    grades = np.array([1] * 90 + [3] * 10)
    rates = dispute_rates(grades, np.array([False] * 90 + [True] * 10))
    assert rates == pytest.approx([0.01, 0.1, 11 / 20, 0.1, 0.1])
    assert dispute_rates(grades[:0], np.zeros(0, bool)).tolist() == [0] * 5


def test_what_is_disputed_or_divides_models_comes_first() -> None:
    grades = np.array([SURE, TORN, SURE])
    members = np.array([grades, grades[[0, 1, 1]]])
    pool = Pool(
        units=["a", "b", "c"],
        splits=[Split.TRAIN] * 3,
        starts=np.arange(4),
        grades=grades,
        lesions=np.zeros((3, 2)),
        members=members,
        disputes=np.array([0, 0, 1.0, 0, 0]),
    )
    even = {f"grade {grade}": 10 for grade in range(1, 6)}
    for quotas, first, why in (
        (Quotas(committee=50), "c", "models differ"),
        (Quotas(dispute=50), "ac", "readers are likely to differ"),
        (Quotas(), "b", "torn between 3 and 4"),
    ):
        picks = rank(pool, 1, have=even, quotas=quotas, random_share=0)
        assert picks[0].unit in first
        assert picks[0].explanation == why
