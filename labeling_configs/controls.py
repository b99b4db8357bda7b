"""The names that configurations and codec share: controls, objects, and which codes each control takes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from domain.taxonomy import (
    GRADES,
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    NumberingBasis,
    Plane,
    Quality,
    Reason,
)

IMAGE = "slices"
"""The stack that is read; every finding is drawn on it."""
SCOUT = "scout"
FINDING = "finding"
COMMENT = "comment"
TRANSITIONAL_YES = "transitional"
LOCKED = ("reader_1", "reader_2")
"""Controls of the readers' own boxes on the adjudication page; dropped from what comes back."""


ASKED = "asked-"
"""How the id of a box begins whose presence the adjudicator is asked to decide."""
OPEN = "open-"
"""How the id of a disc's box begins whose grade the adjudicator is asked to decide."""


class Kind(StrEnum):
    """What a rectangle marks."""

    DISC = "disc"
    HERNIATION = "herniation"
    HIZ = "hiz"


class Verdict(StrEnum):
    """An adjudicator's word on whether a finding is there at all."""

    PRESENT = "present"
    ABSENT = "absent"


class BoxControl(NamedTuple):
    """A question asked of each box of the given kinds."""

    kinds: frozenset[Kind]
    codes: tuple[str, ...]
    planes: frozenset[Plane]


_BOTH = frozenset(Plane)
_SAGITTAL = frozenset({Plane.SAGITTAL})

BOX_CONTROLS: Mapping[str, BoxControl] = {
    "pfirrmann": BoxControl(frozenset({Kind.DISC}), tuple(str(g) for g in GRADES), _SAGITTAL),
    "not_gradable": BoxControl(frozenset({Kind.DISC}), tuple(NotGradable), _SAGITTAL),
    "level": BoxControl(frozenset(Kind), tuple(Level), _BOTH),
    "herniation_type": BoxControl(frozenset({Kind.HERNIATION}), tuple(HerniationType), _BOTH),
    "hiz_side": BoxControl(frozenset({Kind.HIZ}), tuple(HizSide), _BOTH),
    "verdict": BoxControl(frozenset(Kind), tuple(Verdict), _BOTH),
    "reason": BoxControl(frozenset(Kind), tuple(Reason), _BOTH),
}
"""`verdict` and `reason` exist on adjudication pages only."""

UNIT_CONTROLS: Mapping[str, tuple[str, ...]] = {
    "quality": tuple(Quality),
    "transitional": (TRANSITIONAL_YES,),
    "numbering": tuple(NumberingBasis),
    "unit_reason": tuple(Reason),
}
"""`unit_reason` exists on adjudication pages only: the reason for what concerns the whole unit."""
