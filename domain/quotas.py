"""How many labels of each class a good training set has, and what a class that lags is worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from domain.taxonomy import GRADES

Array = NDArray[np.float64]

RARITY, DIVERSITY = 20.0, 2.8
"""Chosen by simulation on patients that no reported figure uses; see docs/evidence/simulate_spider.md."""
LESIONS = ("herniation", "hiz")
CLASSES: tuple[str, ...] = (*(f"grade {g}" for g in GRADES), *LESIONS)
"""What quotas are about, in this order wherever classes are columns."""


class Quotas(BaseModel):
    """How many labelled discs of each class a good training set has, in the share of what is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wanted: Mapping[str, int] = Field(
        default={
            "grade 1": 300,
            "grade 2": 300,
            "grade 3": 300,
            "grade 4": 300,
            "grade 5": 300,
            "herniation": 200,
            "hiz": 200,
        }
    )
    rarity: float = Field(default=RARITY, ge=0)
    """Weight of expected rare discs against uncertainty, which lies between 0 and 1 a disc."""
    diversity: float = Field(default=DIVERSITY, ge=0)
    """Weight of the distance to the nearest unit read or picked, where embeddings are known."""
    committee: float = Field(default=0.0, ge=0)
    """Weight of the disagreement between models, where several are known: it lies between 0 and 1 a disc."""
    dispute: float = Field(default=0.0, ge=0)
    """Weight of the probability that two readers will differ on a disc, where comparisons are known."""

    def needs(self, have: Mapping[str, int]) -> Array:
        """(7,) how far each class of `CLASSES` lags behind the mean of all, 0 (not at all) to 1 (none yet).

        A class whose quota is met needs nothing. Relative to the others, because early on every class is
        far from its quota and the question is which is starved.
        """
        wanted = np.array([self.wanted.get(name, 0) for name in CLASSES], dtype=np.float64)
        filled = np.array([have.get(name, 0) for name in CLASSES]) / np.maximum(wanted, 1)
        asked = wanted > 0
        pace = float(filled[asked].mean()) if asked.any() else 0.0
        lag = np.ones(len(CLASSES)) if pace == 0 else (1 - filled / pace).clip(0, 1)
        return np.where(asked & (filled < 1), lag, 0.0)
