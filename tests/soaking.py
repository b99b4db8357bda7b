"""How often a repeated test repeats: a little in `make test`, fully in `make soak`."""

from __future__ import annotations

import os

SOAKING = os.environ.get("DISCLOOP_SOAK") == "1"


def times(*, in_test: int, in_soak: int) -> int:
    """The number of repetitions of a test marked `soak`."""
    return in_soak if SOAKING else in_test


def seed() -> int:
    """The seed of random order and times: fixed in `make test`, said in the evidence of `make soak`."""
    return int(os.environ.get("DISCLOOP_SOAK_SEED", "20261121"))
