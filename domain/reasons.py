"""Why a unit is on the list, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.doubt import ordinal_uncertainty
from domain.quotas import CLASSES
from domain.taxonomy import GRADES

Array = NDArray[np.float64]

RARE, TORN, DIVIDED, DISPUTED = 0.2, 0.1, 0.05, 0.3
"""From here on a reason is worth a word."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is known of one unit of k discs."""

    grades: Array
    """(k, 5) P(grade)."""
    lesions: Array
    """(2,) expected number of herniations and HIZ."""
    levels: Sequence[str | None] = ()
    """(k,) names of the discs, or empty."""
    divided: Array | None = None
    """(k,) how far models differ, where that counts."""
    disputed: Array | None = None
    """(k,) probability that two readers will differ, where that counts."""
    unlike: bool = False
    """Whether it is far from everything read."""


def reasons(unit: Unit, needs: Array, have: Mapping[str, int]) -> str:
    """What speaks for reading it next.

    Args:
        unit: The unit.
        needs: (7,) of `Quotas.needs`.
        have: Discs labelled so far, by class.
    """
    found = [_rare(unit, needs, have), "unlike anything read" if unit.unlike else None]
    if len(unit.grades):
        found[1:1] = [_torn(unit), _divided(unit), _disputed(unit)]
    return "; ".join(filter(None, found)) or "nothing speaks against it, and more is wanted"


def _rare(unit: Unit, needs: Array, have: Mapping[str, int]) -> str | None:
    if not len(unit.grades):
        return None
    likeliest = np.hstack([unit.grades.max(0), unit.lesions.clip(0, 1)])
    name = int(np.argmax(likeliest * needs))
    if likeliest[name] * needs[name] < RARE:
        return None
    labelled = sum(have.get(f"grade {g}", 0) for g in GRADES)
    likely = "likely" if likeliest[name] >= 0.5 else "perhaps"
    return f"{likely} {CLASSES[name]}, {have.get(CLASSES[name], 0)} of {labelled} so far"


def _torn(unit: Unit) -> str | None:
    doubt = ordinal_uncertainty(unit.grades)
    disc = int(np.argmax(doubt))
    if doubt[disc] < TORN:
        return None
    low, high = sorted(int(g) + 1 for g in np.argsort(-unit.grades[disc])[:2])
    return f"torn between {low} and {high}{_at(unit, disc)}"


def _divided(unit: Unit) -> str | None:
    if unit.divided is None or unit.divided.max() < DIVIDED:
        return None
    return f"models differ{_at(unit, int(np.argmax(unit.divided)))}"


def _disputed(unit: Unit) -> str | None:
    if unit.disputed is None or unit.disputed.max() < DISPUTED:
        return None
    return f"readers are likely to differ{_at(unit, int(np.argmax(unit.disputed)))}"


def _at(unit: Unit, disc: int) -> str:
    return f" at {unit.levels[disc]}" if unit.levels and unit.levels[disc] else ""
