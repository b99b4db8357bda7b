"""How many patients a reader reads a second time, and which: pure, from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Collection
from datetime import timedelta

SHARE = 0.05
LEAST = 30
"""A reader reads this share of their patients twice, but at least so many, as far as there are so many."""
WASHOUT = timedelta(days=28)
"""From the patient's last signature to the day it may be given again."""


def wanted(read: int) -> int:
    """How many patients a reader with so many patients reads twice."""
    return min(read, max(LEAST, math.ceil(SHARE * read)))


def draw_repeats(
    eligible: Collection[str], *, seed: int, reader: str, read: int, repeated: int, most: int | None = None
) -> list[str]:
    """The patients that a reader is given again.

    Args:
        eligible: Patients of whom everything is read, long enough ago, and never adjudicated.
        seed: The plan's seed.
        reader: The reader's id; each reader has their own draw.
        read: Patients that the reader has read.
        repeated: Patients that the reader was given again already.
        most: No more than these, so that a batch holds more new patients than old ones.

    Returns:
        Patients, in random order, each at most once.
    """
    order = sorted(eligible)
    random.Random(f"{seed}:repeats:{reader}").shuffle(order)
    count = max(0, wanted(read) - repeated)
    return order[: count if most is None else min(count, most)]
