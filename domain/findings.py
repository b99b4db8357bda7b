"""What a reader says of one unit, and what the model proposes for it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.boxes import Box
from domain.taxonomy import (
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    NumberingBasis,
    Plane,
    Quality,
)

Grade = Annotated[int, Field(ge=1, le=5)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SliceBox(_Frozen):
    """A box on one slice of the unit's stack; `slice` counts from 0 in display order."""

    slice: Annotated[int, Field(ge=0)]
    box: Box


class _Located(_Frozen):
    boxes: tuple[SliceBox, ...] = Field(min_length=1)
    """At most one box a slice; the first is the one the finding was decided on."""

    @model_validator(mode="after")
    def _one_box_a_slice(self) -> Self:
        slices = [b.slice for b in self.boxes]
        if len(set(slices)) != len(slices):
            raise ValueError(f"a finding has one box a slice, got slices {slices}")
        return self

    @property
    def primary(self) -> SliceBox:
        """The box on the slice the finding was decided on."""
        return self.boxes[0]


class Disc(_Located):
    """One disc. On sagittal units a grade or the reason for none; on axial units neither."""

    level: Level | None = None
    pfirrmann: Grade | None = None
    not_gradable: NotGradable | None = None

    @model_validator(mode="after")
    def _grade_or_reason(self) -> Self:
        if self.pfirrmann is not None and self.not_gradable is not None:
            raise ValueError("a disc has a grade or a reason for none, not both")
        return self


class Herniation(_Located):
    level: Level | None = None
    type: HerniationType | None = None


class Hiz(_Located):
    level: Level | None = None
    side: HizSide | None = None


class Findings(_Frozen):
    """A complete answer on one unit. Lesions are positive-only: an assessed disc without one has none.

    Discs are ordered from the lowest up (index 1 first).
    """

    plane: Plane
    discs: tuple[Disc, ...] = ()
    herniations: tuple[Herniation, ...] = ()
    hiz: tuple[Hiz, ...] = ()
    quality: Quality = Quality.GOOD
    transitional: bool = False
    numbering: NumberingBasis = NumberingBasis.ASSUMED
    comment: str = ""


class ProposedDisc(_Frozen):
    index: Annotated[int, Field(ge=1)]
    """Position, 1 is the lowest disc."""
    level: Level | None
    slice: Annotated[int, Field(ge=0)] = 0
    box: Box
    score: Probability
    pfirrmann: Grade | None
    pfirrmann_probs: tuple[Probability, Probability, Probability, Probability, Probability] | None


class ProposedLesion(_Frozen):
    level: Level | None
    slice: Annotated[int, Field(ge=0)] = 0
    box: Box
    score: Probability


class Proposal(_Frozen):
    """The model's findings on a unit; boxes in pixels of the displayed slices."""

    model: str
    discs: tuple[ProposedDisc, ...] = ()
    herniations: tuple[ProposedLesion, ...] = ()
    hiz: tuple[ProposedLesion, ...] = ()
    uncertainty: Probability
    warnings: tuple[str, ...] = ()
    embedding: tuple[float, ...] | None = None
    """The detector's pooled features, for ranking by diversity."""
