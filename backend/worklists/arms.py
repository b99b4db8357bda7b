"""Drawing arms, pairs and orders: pure, from a seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from domain.taxonomy import Arm, Split

DEFAULT_SHARES: Mapping[Arm, float] = {Arm.UNAIDED: 1 / 3, Arm.BOXES: 1 / 3, Arm.FULL: 1 / 3}
"""The one place that says how often an arm is drawn."""
ALWAYS_UNAIDED = frozenset({Split.TEST, Split.EXTERNAL})
"""Their labels judge models: no model may have had a word in them."""


def draw_arm(patient: str, split: Split, *, seed: int, shares: Mapping[Arm, float]) -> Arm:
    """A patient's arm. Depends on nothing but seed and patient, so planning in parts changes nothing."""
    if split in ALWAYS_UNAIDED:
        return Arm.UNAIDED
    arms = [arm for arm in Arm if shares.get(arm, 0) > 0]
    draw = random.Random(f"{seed}:arm:{patient}")
    return draw.choices(arms, weights=[shares[arm] for arm in arms])[0]


def draw_pairs(
    studies: Sequence[str], readers: Sequence[str], *, seed: int, load: Mapping[str, int]
) -> dict[str, tuple[str, str]]:
    """A pair of readers for each study, so that readers and pairs are used evenly.

    Args:
        studies: Study ids, in any order.
        readers: At least two reader ids.
        seed: The plan's seed.
        load: Studies that each reader has already.

    Returns:
        The pair by study; the random order of its two says nothing.
    """
    draw = random.Random(f"{seed}:pairs")
    carried = Counter(load)
    used: Counter[tuple[str, str]] = Counter()
    pairs: dict[str, tuple[str, str]] = {}
    order = sorted(studies)
    draw.shuffle(order)
    every = list(combinations(sorted(readers), 2))
    for study in order:
        draw.shuffle(every)
        pair = min(every, key=lambda two: (carried[two[0]] + carried[two[1]], used[two]))
        carried.update(pair)
        used[pair] += 1
        pairs[study] = pair
    return pairs


def draw_order(units: Sequence[str], project: str, *, seed: int) -> list[str]:
    """The order in which one reader reads in one project; each reader has another."""
    order = sorted(units)
    random.Random(f"{seed}:order:{project}").shuffle(order)
    return order
