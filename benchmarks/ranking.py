"""Ranking 100,000 units: the top 200 in under a second, and a cost that grows no faster than n log n."""

from __future__ import annotations

from math import log2
from time import perf_counter

import numpy as np

from domain.diversity import Places
from domain.ranking import Pool, rank
from domain.taxonomy import Split

SIZES = (25_000, 50_000, 100_000)
DISCS = 5
EMBEDDING = 64
READ = 2000
TOP = 200
RUNS = 5


def make_pool(units: int, seed: int = 0) -> Pool:
    """Units of five discs with random grade probabilities and embeddings."""
    rng = np.random.default_rng(seed)
    return Pool(
        units=[f"u-{i:08x}" for i in range(units)],
        splits=[Split.TRAIN] * units,
        starts=np.arange(0, units * DISCS + 1, DISCS),
        grades=rng.dirichlet(np.ones(5), size=units * DISCS),
        lesions=rng.random((units, 2)) * 0.2,
        places=Places(units=rng.normal(size=(units, EMBEDDING)), read=rng.normal(size=(READ, EMBEDDING))),
    )


def measure() -> dict[str, object]:
    """Best of five runs a size, in seconds, and growth from the smallest to the largest against n log n."""
    seconds: dict[int, float] = {}
    for size in SIZES:
        pool = make_pool(size)
        seconds[size] = min(_timed(pool) for _ in range(RUNS))
    small, large = SIZES[0], SIZES[-1]
    growth = seconds[large] / seconds[small]
    return {
        "seconds": {str(size): round(value, 4) for size, value in seconds.items()},
        "growth_over_n_log_n": round(growth / (large * log2(large) / (small * log2(small))), 3),
        "top": TOP,
    }


def _timed(pool: Pool) -> float:
    start = perf_counter()
    picks = rank(pool, TOP, have={"grade 1": 12})
    took = perf_counter() - start
    if len(picks) != TOP:
        raise RuntimeError(f"{TOP} picks are expected, got {len(picks)}")
    return took
