"""How the next patients are chosen: one function each, the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from discloop.simulate.data import Discs, Floats, Ints
from discloop.simulate.grader import Grader
from domain.diversity import Places
from domain.doubt import dispute_rates
from domain.policy import Policy
from domain.quotas import Quotas
from domain.ranking import Pool, rank
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
    grade: Ints
    """What the readers made of the discs read."""
    differed: NDArray[np.bool_]
    """Whether the two readers differed on them."""


Strategy = Callable[[Moment, int, int], list[int]]
"""(moment, how many patients, seed) -> patients."""

COMMITTEE, DISPUTE = 2.0, 2.0
"""Weights of the two in the strategies of their names; the product's are 0."""
MEMBERS = 5
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


def committee(now: Moment, count: int, seed: int) -> list[int]:
    """The product's ranking with the disagreement of graders fitted to resamples of the patients read."""
    return _ranked(now, count, seed, Quotas(wanted=GRADED, committee=COMMITTEE))


def disputed(now: Moment, count: int, seed: int) -> list[int]:
    """The product's ranking with the disagreement of readers predicted from those read."""
    return _ranked(now, count, seed, Quotas(wanted=GRADED, dispute=DISPUTE))


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
        places=Places(units=embedded(now.pool), read=embedded(now.read)),
        members=_members(now, seed)[:, order] if quotas.committee else None,
        disputes=dispute_rates(now.grade, now.differed),
    )
    share = Policy().random_share
    picks = rank(units, count, have=now.have, quotas=quotas, random_share=share, seed=seed)
    return [int(pick.unit) for pick in picks]


def _members(now: Moment, seed: int) -> Floats:
    """(M, D, 5) what graders say that were fitted to resamples of the patients read."""
    rng = np.random.default_rng(seed)
    said = []
    for _ in range(MEMBERS):
        drawn = rng.choice(now.read.patients, len(now.read.patients))
        rows = np.concatenate([np.flatnonzero(now.read.patient == patient) for patient in drawn])
        member = Discs(now.read.patient[rows], now.read.features[rows], now.read.grade[rows])
        said.append(Grader(member, now.grade[rows]).probabilities(now.pool))
    return np.array(said)


def embedded(discs: Discs) -> Floats:
    """(P, F) a patient's mean features, in the order of patients: they stand in for the detector's."""
    return np.array([discs.features[discs.patient == patient].mean(0) for patient in discs.patients])


STRATEGIES: dict[str, Strategy] = {
    "random": random_order,
    "ranked": ranked,
    "uncertainty": uncertainty,
    "entropy": entropy,
    "committee": committee,
    "disputed": disputed,
}
