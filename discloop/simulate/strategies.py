"""How the next patients are chosen: one function each, the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from discloop.simulate.data import Discs, Floats, Ints
from domain.diversity import Places
from domain.policy import Policy
from domain.ranking import Pool, Quotas, rank
from domain.taxonomy import GRADES, Split


@dataclass(frozen=True)
class Moment:
    """What is known when the next patients are chosen."""

    pool: Discs
    """Unread."""
    said: Floats
    """(D, 5) the model's probabilities on them."""
    have: Mapping[str, int]
    """Labelled discs by class."""
    read: Discs
    """Read so far."""


Strategy = Callable[[Moment, int, int], list[int]]
"""(moment, how many patients, seed) -> patients."""

GRADED = {f"grade {grade}": 300 for grade in GRADES}
"""Lesions are not part of the simulation, so they have no quota in it."""


def random_order(now: Moment, count: int, seed: int) -> list[int]:
    """As a plain worklist: any unread patient as likely as any other."""
    drawn = np.random.default_rng(seed).permutation(now.pool.patients)[:count]
    return [int(patient) for patient in drawn]


def ranked(now: Moment, count: int, seed: int) -> list[int]:
    """The product's own ranking with its default policy: doubt, starved classes, diversity, random share."""
    return _ranked(now, count, seed, Quotas(wanted=GRADED))


def uncertainty(now: Moment, count: int, seed: int) -> list[int]:
    """The ranking without the starved classes: ordinal doubt alone, with the random share."""
    return _ranked(now, count, seed, Quotas(wanted=GRADED, rarity=0, diversity=0))


def entropy(now: Moment, count: int, seed: int) -> list[int]:
    """What a textbook would do: mean Shannon entropy a disc, no random share."""
    doubt = -(now.said * np.log(now.said)).sum(1)
    patients = now.pool.patients
    score = np.array([doubt[now.pool.patient == patient].mean() for patient in patients])
    shuffled = np.random.default_rng(seed).permutation(len(patients))
    order = shuffled[np.argsort(-score[shuffled], kind="stable")]
    return [int(patient) for patient in patients[order[:count]]]


def _ranked(now: Moment, count: int, seed: int, quotas: Quotas) -> list[int]:
    patients, counts = np.unique(now.pool.patient, return_counts=True)
    order: Ints = np.argsort(now.pool.patient, kind="stable")
    units = Pool(
        units=[str(patient) for patient in patients],
        splits=[Split.TRAIN] * len(patients),
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.intp),
        grades=now.said[order],
        lesions=np.zeros((len(patients), 2)),
        places=Places(units=_embedded(now.pool), read=_embedded(now.read)),
    )
    share = Policy().random_share
    picks = rank(units, count, have=now.have, quotas=quotas, random_share=share, seed=seed)
    return [int(pick.unit) for pick in picks]


def _embedded(discs: Discs) -> Floats:
    """(P, F) a patient's mean features, in the order of patients: they stand in for the detector's."""
    return np.array([discs.features[discs.patient == patient].mean(0) for patient in discs.patients])


STRATEGIES: dict[str, Strategy] = {
    "random": random_order,
    "ranked": ranked,
    "uncertainty": uncertainty,
    "entropy": entropy,
}
