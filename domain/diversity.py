"""Units unlike each other and unlike what was read: greedy, the farthest first among equals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CANDIDATES = 20
"""For each unit wanted so many compete: those of the highest value."""
ALWAYS = 2000
"""In a pool of up to so many all compete."""
REMEMBERED = 1000
"""Of the units read before, the newest so many are compared with."""
FEWEST, USUAL = 20, 0.95
"""With fewer units read nothing is called unlike them; beyond this share of their own distances it is."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Embeddings of units: what the detector sees, or any features that say which units are alike."""

    units: Array
    """(N, E) of the unread units, in the pool's order."""
    read: Array
    """(M, E) of those read before, the newest last; M may be 0."""


def spread_out(
    value: Array, order: NDArray[np.intp], places: Places, weight: float, count: int
) -> NDArray[np.intp]:
    """Order units by value plus `weight` times the distance to the nearest unit read or placed before.

    Args:
        value: (N,) what each unit is worth alone.
        order: (N,) the order by value; what is not placed keeps it.
        places: Where the units lie; dimensions are standardised here, distances divided by the root of E.
        weight: Of a distance of one standard deviation in every dimension.
        count: How many are placed this way.

    Returns:
        (N,) the new order: it depends on the pool alone, so inclusion probabilities stay exact.
    """
    rows = order[: max(CANDIDATES * count, ALWAYS)]
    here, before = _standardised(places.units[rows], places.read[-REMEMBERED:])
    nearest, alone = _nearest(here, before), value[rows].copy()
    placed: list[int] = []
    for _ in range(min(count, len(rows))):
        best = int(np.argmax(alone + weight * nearest))
        placed.append(best)
        alone[best] = -np.inf
        nearest = np.minimum(nearest, np.linalg.norm(here - here[best], axis=1))
    first = rows[placed]
    return np.concatenate([first, order[~np.isin(order, first)]])


def _standardised(units: Array, read: Array) -> tuple[Array, Array]:
    everything = np.vstack([units, read])
    scale = everything.std(0)
    scale = np.where(scale > 0, scale, 1.0) * np.sqrt(everything.shape[1])
    middle = everything.mean(0)
    return (units - middle) / scale, (read - middle) / scale


def _nearest(here: Array, before: Array) -> Array:
    """(N,) distance to the nearest of `before`; with none, everything is equally far."""
    if not len(before):
        return np.ones(len(here))
    return np.asarray(np.sqrt(_squared(here, before).min(1).clip(0)), dtype=np.float64)


def unlike_read(places: Places, chosen: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(k,) whether each chosen unit is farther from all units read than 95% of those are from each other.

    Args:
        places: Where the units lie.
        chosen: (k,) rows of `places.units`.
    """
    read = places.read[-REMEMBERED:]
    if len(read) < FEWEST:
        return np.zeros(len(chosen), dtype=bool)
    here, before = _standardised(places.units[chosen], read)
    apart = _squared(before, before)
    np.fill_diagonal(apart, np.inf)
    usual = np.quantile(apart.min(1), USUAL)
    return np.asarray(_squared(here, before).min(1) > usual, dtype=np.bool_)


def _squared(here: Array, there: Array) -> Array:
    """(N, M) squared distances."""
    return np.asarray((here**2).sum(1)[:, None] - 2 * here @ there.T + (there**2).sum(1), dtype=np.float64)
