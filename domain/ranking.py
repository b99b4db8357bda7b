"""Which unread units to read next, and why.

Most of a batch goes to the units from which the model learns most: torn between grades, or likely to hold
what is rare against its quota. A fixed share is drawn at random from all that is eligible and never spent
otherwise: it is the unbiased sample for agreement, drift and each round's control, so every pick carries the
probability with which this design includes it. Test and external patients are never ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import hypergeom

from domain.diversity import Places, spread_out, unlike_read
from domain.doubt import committee_disagreement, ordinal_uncertainty
from domain.errors import DiscLoopError
from domain.quotas import Quotas
from domain.reasons import Unit, reasons
from domain.taxonomy import Split

Array = NDArray[np.float64]

RANDOM_SHARE = 0.1
RANKED_SPLITS = frozenset({Split.TRAIN, Split.VAL})
AT_RANDOM = "drawn at random, as an unbiased sample"


class RankingError(DiscLoopError):
    """The pool cannot be ranked."""


class Stratum(StrEnum):
    """Why a unit is on the list."""

    RANDOM = "random"
    RANKED = "ranked"


class Pick(BaseModel):
    """A unit to read next."""

    model_config = ConfigDict(frozen=True)

    unit: str
    stratum: Stratum
    score: float
    inclusion: float
    """Probability that this design puts the unit on the list at all."""
    random_inclusion: float
    """Probability that the random share takes it: the same for every eligible unit."""
    explanation: str


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The unread units, as arrays: disc rows of unit i are `starts[i]:starts[i + 1]`."""

    units: Sequence[str]
    splits: Sequence[Split]
    starts: NDArray[np.intp]
    """(N + 1,)"""
    grades: Array
    """(D, 5) P(grade) a disc."""
    lesions: Array
    """(N, 2) expected number of herniations and HIZ a unit."""
    levels: Sequence[str | None] = field(default=())
    """(D,) names of the discs for the explanation, or empty."""
    places: Places | None = None
    """Where the units lie, for ranking by diversity too."""
    members: Array | None = None
    """(M, D, 5) P(grade) by each of several models."""
    disputes: Array | None = None
    """(5,) how often two readers differed on a disc of each grade: `dispute_rates`."""

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit."""
        n, d = len(self.units), len(self.grades)
        fits = self.starts.shape == (n + 1,) and self.starts[0] == 0 and self.starts[-1] == d
        if not fits or self.grades.shape != (d, 5) or self.lesions.shape != (n, 2) or len(self.splits) != n:
            raise RankingError(
                f"a pool of {n} units and {d} discs expects starts ({n + 1},) from 0 to {d}, grades ({d}, 5) "
                f"and lesions ({n}, 2); got {self.starts.shape}, {self.grades.shape}, {self.lesions.shape}"
            )


def scores(pool: Pool, quotas: Quotas, have: Mapping[str, int]) -> Array:
    """(N,) what reading each unit is expected to teach: mean doubt a disc plus expected rare discs."""
    torn = ordinal_uncertainty(pool.grades)
    if pool.members is not None:
        torn = torn + quotas.committee * committee_disagreement(pool.members)
    if pool.disputes is not None:
        torn = torn + quotas.dispute * (pool.grades @ pool.disputes)
    doubt = _per_unit(pool, torn[:, None])[:, 0]
    count = np.maximum(np.diff(pool.starts), 1)
    rare = _expected(pool) @ quotas.needs(have)
    return np.asarray((doubt + quotas.rarity * rare) / count, dtype=np.float64)


def _expected(pool: Pool) -> Array:
    """(N, 7) expected number of discs of each class of `CLASSES` in each unit."""
    return np.hstack([_per_unit(pool, pool.grades), pool.lesions])


def _per_unit(pool: Pool, rows: Array) -> Array:
    """(N, k) sums of the discs' rows; zero for a unit without discs."""
    sums = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    return np.asarray(sums[pool.starts[1:]] - sums[pool.starts[:-1]], dtype=np.float64)


def rank(
    pool: Pool,
    count: int,
    *,
    have: Mapping[str, int],
    quotas: Quotas | None = None,
    random_share: float = RANDOM_SHARE,
    seed: int = 0,
) -> list[Pick]:
    """The next units to read, the random share first.

    Args:
        pool: Unread units, all of train or val patients.
        count: How many are wanted; fewer come back from a smaller pool.
        have: Discs labelled so far, by the names of `CLASSES`.
        quotas: What a good training set has.
        random_share: Share of `count` drawn at random; a share of less than one unit is one unit that often.
        seed: Of the draw and of the order among equal scores.

    Raises:
        RankingError: If a unit belongs to a test or external patient.
    """
    quotas = quotas or Quotas()
    _refuse_locked(pool)
    total = len(pool.units)
    count = min(count, total)
    if count == 0:
        return []
    rng = np.random.default_rng(seed)
    share = random_share * count
    drawn = int(rng.random() < share) if share < 1 else min(count, round(share))
    value = scores(pool, quotas, have)
    at_random = rng.choice(total, size=drawn, replace=False)
    order = np.lexsort((rng.permutation(total), -value))
    if pool.places is not None and quotas.diversity > 0:
        order = spread_out(value, order, pool.places, quotas.diversity, count)
    taken = np.zeros(total, dtype=bool)
    taken[at_random] = True
    ranked = order[~taken[order]][: count - drawn]
    place = np.empty(total, dtype=np.intp)
    place[order] = np.arange(total)
    inclusion = _inclusion(place, total, drawn, count - drawn)
    if share < 1:
        inclusion = (1 - share) * _inclusion(place, total, 0, count) + share * _inclusion(
            place, total, 1, count - 1
        )
    needs = quotas.needs(have)
    words = dict(
        zip(ranked.tolist(), (reasons(u, needs, have) for u in _known(pool, quotas, ranked)), strict=True)
    )
    return [
        Pick(
            unit=pool.units[i],
            stratum=stratum,
            score=float(value[i]),
            inclusion=float(inclusion[i]),
            random_inclusion=(share if share < 1 else drawn) / total,
            explanation=words.get(int(i), AT_RANDOM),
        )
        for stratum, rows in ((Stratum.RANDOM, at_random), (Stratum.RANKED, ranked))
        for i in rows
    ]


def _refuse_locked(pool: Pool) -> None:
    locked = sorted({str(s) for s in pool.splits} - RANKED_SPLITS)
    if locked:
        raise RankingError(f"only train and val patients are ranked, the pool holds {', '.join(locked)}")


def _inclusion(place: NDArray[np.intp], total: int, drawn: int, ranked: int) -> Array:
    """(N,) probability of being on the list, by place in the order of scores (0 is best).

    A unit that is not drawn itself is ranked in if, of the `place` units before it, at least
    `place - ranked + 1` were drawn and made room.
    """
    if ranked == 0 or drawn == total:
        return np.full(total, drawn / total)
    if drawn == 0:
        return np.where(place < ranked, 1.0, 0.0)
    share = drawn / total
    needed = place - ranked + 1
    moved_up = hypergeom.sf(needed - 1, total - 1, place, drawn)
    return np.asarray(share + (1 - share) * np.where(needed <= 0, 1.0, moved_up), dtype=np.float64)


def _known(pool: Pool, quotas: Quotas, chosen: NDArray[np.intp]) -> Iterator[Unit]:
    """What the reasons for these units are made of; what has no weight is no reason."""
    far: NDArray[np.bool_] = np.zeros(len(chosen), dtype=np.bool_)
    if pool.places is not None and quotas.diversity > 0:
        far = unlike_read(pool.places, chosen)
    for i, unlike in zip(chosen, far, strict=True):
        rows = slice(pool.starts[i], pool.starts[i + 1])
        grades, members, disputes = pool.grades[rows], pool.members, pool.disputes
        yield Unit(
            grades=grades,
            lesions=pool.lesions[i],
            levels=pool.levels[rows],
            divided=committee_disagreement(members[:, rows])
            if members is not None and quotas.committee
            else None,
            disputed=grades @ disputes if disputes is not None and quotas.dispute else None,
            unlike=bool(unlike),
        )
