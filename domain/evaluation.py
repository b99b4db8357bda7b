"""What evaluating a model on labelled patients gives: predictions, from which all figures are computed."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.errors import DiscLoopError
from domain.findings import Grade, Probability
from domain.manifest import PSEUDONYM

Count = Annotated[int, Field(ge=0)]


class EvaluationError(DiscLoopError):
    """An evaluation that cannot be read or does not fit another."""


class _Frozen(BaseModel):
    # A trainer may report more than the gate needs.
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class EvaluatedDisc(_Frozen):
    """A labelled disc and what the model said of it; `index` 1 is the lowest."""

    index: int
    truth: Grade
    predicted: Grade | None = None
    probs: tuple[Probability, Probability, Probability, Probability, Probability] | None = None
    matched: bool
    """Whether the model found the disc."""

    @model_validator(mode="after")
    def _predicted_if_matched(self) -> Self:
        if self.matched and self.predicted is None:
            raise ValueError(f"disc {self.index} was found, so a predicted grade is expected")
        return self


class LesionCounts(_Frozen):
    """Lesions of one kind in one study, counted by disc."""

    true_positive: Count = 0
    false_positive: Count = 0
    false_negative: Count = 0


class EvaluatedStudy(_Frozen):
    """One test study."""

    study: str = Field(pattern=PSEUDONYM)
    patient: str = Field(pattern=PSEUDONYM)
    discs: tuple[EvaluatedDisc, ...]
    missed: Count = 0
    invented: Count = 0
    herniations: LesionCounts = LesionCounts()
    hiz: LesionCounts = LesionCounts()


class Serving(_Frozen):
    """The exported model, as it will serve, beside the trained one on the same slices."""

    runtime: str
    slices: Count
    same_grades: Probability
    """Share of discs that both give the same grade; a slice with another number of discs counts none."""
    box_px: Annotated[float, Field(ge=0)]
    """Largest distance between their edges of a disc's box, pixels of the slice."""
    milliseconds: Annotated[float, Field(gt=0)]
    """What the exported model takes for one slice: the median over slices of the best of three."""


class Evaluation(_Frozen):
    """One model on one split."""

    model: str
    split: str
    items: tuple[EvaluatedStudy, ...]
    serving: Serving | None = None

    @classmethod
    def read(cls, text: str, *, name: str) -> Self:
        """Read an evaluation file.

        Raises:
            EvaluationError: Naming the file, if it is malformed.
        """
        try:
            return cls.model_validate_json(text)
        except ValueError as error:
            raise EvaluationError(f"{name} is not an evaluation: {error}") from None

    @property
    def patients(self) -> set[str]:
        """The patients it is about."""
        return {item.patient for item in self.items}

    def truths(self) -> dict[tuple[str, int], int]:
        """The true grade of each disc, by study and index."""
        return {(item.study, d.index): d.truth for item in self.items for d in item.discs}
