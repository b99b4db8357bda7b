"""How the next patients are chosen: one function each, the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from discloop.simulate.data import Discs, Floats, Ints
from domain.policy import Policy
from domain.ranking import Pool, Quotas, rank
from domain.taxonomy import GRADES, Split

Strategy = Callable[[Discs, Floats, Mapping[str, int], int, int], list[int]]
"""(unread discs, their probabilities, labelled discs by class, how many patients, seed) -> patients."""

GRADED = {f"grade {grade}": 300 for grade in GRADES}
"""Lesions are not part of the simulation, so they have no quota in it."""


def random_order(pool: Discs, _said: Floats, _have: Mapping[str, int], count: int, seed: int) -> list[int]:
    """As a plain worklist: any unread patient as likely as any other."""
    drawn = np.random.default_rng(seed).permutation(pool.patients)[:count]
    return [int(patient) for patient in drawn]


def ranked(pool: Discs, said: Floats, have: Mapping[str, int], count: int, seed: int) -> list[int]:
    """The product's own ranking with its default policy: doubt, starved classes and the random share."""
    return _ranked(pool, said, have, count, seed, Quotas(wanted=GRADED))


def uncertainty(pool: Discs, said: Floats, have: Mapping[str, int], count: int, seed: int) -> list[int]:
    """The ranking without the starved classes: ordinal doubt alone, with the random share."""
    return _ranked(pool, said, have, count, seed, Quotas(wanted=GRADED, rarity=0))


def entropy(pool: Discs, said: Floats, _have: Mapping[str, int], count: int, seed: int) -> list[int]:
    """What a textbook would do: mean Shannon entropy a disc, no random share."""
    doubt = -(said * np.log(said)).sum(1)
    patients = pool.patients
    score = np.array([doubt[pool.patient == patient].mean() for patient in patients])
    shuffled = np.random.default_rng(seed).permutation(len(patients))
    order = shuffled[np.argsort(-score[shuffled], kind="stable")]
    return [int(patient) for patient in patients[order[:count]]]


def _ranked(
    pool: Discs, said: Floats, have: Mapping[str, int], count: int, seed: int, quotas: Quotas
) -> list[int]:
    patients, counts = np.unique(pool.patient, return_counts=True)
    order: Ints = np.argsort(pool.patient, kind="stable")
    units = Pool(
        units=[str(patient) for patient in patients],
        splits=[Split.TRAIN] * len(patients),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.intp),
        grades=said[order],
        lesions=np.zeros((len(patients), 2)),
    )
    share = Policy().random_share
    picks = rank(units, count, have=have, quotas=quotas, random_share=share, seed=seed)
    return [int(pick.unit) for pick in picks]


STRATEGIES: dict[str, Strategy] = {
    "random": random_order,
    "ranked": ranked,
    "uncertainty": uncertainty,
    "entropy": entropy,
}
