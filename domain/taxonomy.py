"""The codes that are stored. Words that people read belong to the pages and labelling configurations."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

GRADES = (1, 2, 3, 4, 5)
"""Pfirrmann grades (Pfirrmann et al. 2001, Spine 26:1873)."""


class Plane(StrEnum):
    SAGITTAL = "sagittal"
    AXIAL = "axial"


class Split(StrEnum):
    """A property of the patient, fixed at ingest."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    EXTERNAL = "external"


class Arm(StrEnum):
    """What a reader is shown of the proposal."""

    UNAIDED = "unaided"
    BOXES = "boxes"
    FULL = "full"


class Role(StrEnum):
    READER = "reader"
    ADJUDICATOR = "adjudicator"
    ENGINEER = "engineer"
    LEAD = "lead"
    ADMIN = "admin"


class Level(StrEnum):
    """A disc by the vertebrae above and below it. Which one a disc is, is a judgement."""

    T11_12 = "T11/12"
    T12_L1 = "T12/L1"
    L1_2 = "L1/2"
    L2_3 = "L2/3"
    L3_4 = "L3/4"
    L4_5 = "L4/5"
    L5_S1 = "L5/S1"
    L5_6 = "L5/6"
    L6_S1 = "L6/S1"
    S1_2 = "S1/2"


class NumberingBasis(StrEnum):
    ASSUMED = "assumed"
    WHOLE_SPINE = "whole-spine"


class NotGradable(StrEnum):
    """Why a disc has no Pfirrmann grade."""

    ARTEFACT = "artefact"
    CUT = "cut"
    OPERATED = "operated"
    OTHER = "other"


class HerniationType(StrEnum):
    """Nomenclature 2.0 (Fardon et al. 2014); `indeterminate` because sagittal images hide circumference."""

    PROTRUSION = "protrusion"
    EXTRUSION = "extrusion"
    SEQUESTRATION = "sequestration"
    INDETERMINATE = "indeterminate"


class HizSide(StrEnum):
    ANTERIOR = "anterior"
    POSTERIOR = "posterior"


class Quality(StrEnum):
    """The reader's word on the whole unit."""

    GOOD = "good"
    LIMITED = "limited"
    UNREADABLE = "unreadable"


class DisagreementKind(StrEnum):
    GRADE = "grade"
    PRESENCE = "presence"
    EXTENT = "extent"
    LOCATION = "location"
    LEVEL = "level"
    LEVEL_SHIFT = "level_shift"
    GRADABILITY = "gradability"
    TRANSITIONAL = "transitional"


class Reason(StrEnum):
    """Why an adjudicator decided as they did."""

    CRITERION = "criterion"
    BOUNDARY = "boundary"
    LEVEL = "level"
    ARTEFACT = "artefact"
    MISSED = "missed"
    OTHER = "other"


_THORACOLUMBAR = (Level.L4_5, Level.L3_4, Level.L2_3, Level.L1_2, Level.T12_L1, Level.T11_12)

COLUMNS: tuple[tuple[Level, ...], ...] = (
    (Level.L5_S1, *_THORACOLUMBAR),
    (Level.L6_S1, Level.L5_6, *_THORACOLUMBAR),
    (Level.S1_2, Level.L5_S1, *_THORACOLUMBAR),
)
"""The columns of levels that occur, each from the lowest disc up; the ordinary one first."""


def name_column(count: int, index: int, level: Level) -> tuple[Level | None, ...]:
    """Name all discs of a column from one that a reader named.

    Args:
        count: Discs in the column.
        index: Position of the named disc, 1 is the lowest.
        level: Its level.

    Returns:
        One level a disc, lowest first; `None` for discs beyond T11/12. Where several columns fit, the
        ordinary one wins over six lumbar vertebrae, and that over a disc below S1. Where none fits with
        its lowest level at index 1 (the field of view is cut), the ordinary column is slid.

    Raises:
        ValueError: If `index` is not a disc of the column.
    """
    if not 1 <= index <= count:
        raise ValueError(f"the named disc must be one of 1 to {count}, got {index}")
    fitting = [column for column in COLUMNS if level in column and column.index(level) == index - 1]
    column = fitting[0] if fitting else next(column for column in COLUMNS if level in column)
    shift = column.index(level) - (index - 1)
    return tuple(column[i + shift] if 0 <= i + shift < len(column) else None for i in range(count))


def is_column(levels: tuple[Level, ...]) -> bool:
    """Whether the levels, lowest first, follow each other in one of `COLUMNS`."""
    return any(
        all(column.index(upper) == column.index(lower) + 1 for lower, upper in pairwise(levels))
        for column in COLUMNS
        if set(levels) <= set(column)
    )
