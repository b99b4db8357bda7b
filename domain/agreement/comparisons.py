"""Differences between agreements, on the same resamples of patients."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from domain.agreement.bootstrap import bootstrap_p, holm
from domain.agreement.estimates import finite, summarise
from domain.agreement.schema import Comparison
from domain.agreement.weights import Array

MOST = 6
"""With more members than this, pairwise comparison is a table nobody reads."""


def difference(family: str, first: str, second: str, a: Array, b: Array, patients: int) -> Comparison:
    """First minus second of two statistics' replicates (1 + B,); `p_holm` is filled in by `adjusted`."""
    values = a - b
    reason = "one of the two is not defined"
    statistic = summarise(values, undefined=reason, patients=patients)
    p = finite(bootstrap_p(values[1:])) if statistic.low is not None else None
    return Comparison(family=family, first=first, second=second, difference=statistic, p=p, p_holm=p)


def adjusted(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with Holm's adjustment over those of them that have a p."""
    asked = [i for i, c in enumerate(comparisons) if c.p is not None]
    corrected = holm([c.p for c in comparisons if c.p is not None])
    out = list(comparisons)
    for i, p in zip(asked, corrected, strict=True):
        out[i] = out[i].model_copy(update={"p_holm": p})
    return tuple(out)


def pairwise(
    family: str, names: Sequence[str], replicates: Array, patients: int, base: str | None = None
) -> tuple[Comparison, ...]:
    """All pairs of (1 + B, S) statistics, or each against `base`, Holm-adjusted within the family."""
    if not 2 <= len(names) <= MOST or replicates.shape[1] != len(names):
        return ()
    wanted = [
        (i, j) for i, j in combinations(range(len(names)), 2) if base is None or base in (names[i], names[j])
    ]
    if base is not None:
        wanted = [(i, j) if names[j] == base else (j, i) for i, j in wanted]
    return adjusted(
        [
            difference(family, names[i], names[j], replicates[:, i], replicates[:, j], patients)
            for i, j in wanted
        ]
    )
