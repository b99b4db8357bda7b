"""What passing means: the one place that says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.agreement import linear_kappa
from domain.taxonomy import Level

LEAST_KAPPA = 0.6
"""Linear kappa with the key: what Landis and Koch call substantial begins above it."""
LEAST_WITHIN_ONE = 0.95
"""Share of the key's discs graded at most one grade off; a disc that is not graded is further off."""
LEAST_DISCS = 20
LEAST_GRADES = 3
"""A key with fewer discs, or fewer different grades, cannot tell a reader from a guess."""

Disc = tuple[str, Level]
"""Study and level, as the key names them."""


@dataclass(frozen=True)
class Score:
    """A reader against the key."""

    discs: int
    exact: int
    within_one: int
    kappa_linear: float | None
    """Over the discs that the reader graded; `None` where it is not defined."""

    @property
    def passed(self) -> bool:
        """Whether both limits are reached."""
        near = self.within_one >= LEAST_WITHIN_ONE * self.discs
        return near and self.kappa_linear is not None and self.kappa_linear >= LEAST_KAPPA


def score(key: Mapping[Disc, int], said: Mapping[Disc, int]) -> Score:
    """Compare what a reader said with the key, disc by disc.

    Args:
        key: Reference grades, 1 to 5.
        said: The reader's grades; discs that the key does not name are left out.
    """
    pairs = [(grade, said[disc]) for disc, grade in key.items() if disc in said]
    # Only the value is wanted: an interval over so few patients says nothing.
    kappa = linear_kappa(pairs, [0] * len(pairs), resamples=1).value if pairs else None
    return Score(
        discs=len(key),
        exact=sum(one == other for one, other in pairs),
        within_one=sum(abs(one - other) <= 1 for one, other in pairs),
        kappa_linear=kappa,
    )
