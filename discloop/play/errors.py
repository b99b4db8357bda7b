"""What simulated readers get wrong, stated in numbers. They read phantoms, whose truth is known.

A grade follows `domain.confusion`; boxes move, lesions are missed and invented, a column is now and then
named one level off. Errors are independent between readers, discs and arms: what the reading page shows
does not sway a simulated reader, as it would a real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from domain.boxes import Box
from domain.confusion import ADJUDICATOR_DECAY, READER_DECAY, confusion
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.manifest import Slice
from domain.taxonomy import COLUMNS, GRADES, Level, name_column

L = TypeVar("L", Herniation, Hiz)


@dataclass(frozen=True)
class ErrorModel:
    """Probabilities a finding, or for `column_named_wrong` a unit."""

    grade_decay: float
    edge_shift: float
    """Standard deviation of each edge of a disc's box, as a share of its height."""
    lesion_missed: float
    column_named_wrong: float

    def in_words(self) -> str:
        """For the people who watch."""
        grade = confusion(self.grade_decay)[2, 2]
        return (
            f"says a middle grade rightly {grade:.0%} of the time, "
            f"misses {self.lesion_missed:.0%} of lesions, "
            f"names {self.column_named_wrong:.0%} of columns one level off, "
            f"moves box edges by {self.edge_shift:.0%} of a disc's height (SD)"
        )


READER = ErrorModel(grade_decay=READER_DECAY, edge_shift=0.05, lesion_missed=0.15, column_named_wrong=0.03)
ADJUDICATOR = ErrorModel(
    grade_decay=ADJUDICATOR_DECAY, edge_shift=0.03, lesion_missed=0.05, column_named_wrong=0.0
)


def read(
    truth: Findings, slices: tuple[Slice, ...], errors: ErrorModel, rng: np.random.Generator
) -> Findings:
    """What a reader with these errors says of a unit whose truth is `truth`."""
    discs = tuple(_disc(disc, slices, errors, rng) for disc in truth.discs)
    if rng.random() < errors.column_named_wrong:
        discs = _one_level_off(discs)
    renamed = {old.level: new.level for old, new in zip(truth.discs, discs, strict=True)}
    return truth.model_copy(
        update={
            "discs": discs,
            "herniations": tuple(_seen(truth.herniations, renamed, slices, errors, rng)),
            "hiz": tuple(_seen(truth.hiz, renamed, slices, errors, rng)),
        }
    )


def _disc(disc: Disc, slices: tuple[Slice, ...], errors: ErrorModel, rng: np.random.Generator) -> Disc:
    grade = disc.pfirrmann
    if grade is not None:
        grade = int(rng.choice(GRADES, p=confusion(errors.grade_decay)[grade - 1]))
    # A graded disc is boxed once, on the slice it is graded on, as readers are told to.
    marked = disc.boxes[:1] if grade is not None else disc.boxes
    boxes = tuple(_moved(box, slices, errors, rng) for box in marked)
    return disc.model_copy(update={"pfirrmann": grade, "boxes": boxes})


def _moved(at: SliceBox, slices: tuple[Slice, ...], errors: ErrorModel, rng: np.random.Generator) -> SliceBox:
    """The box with each edge moved, kept on the slice and at least two pixels wide and high."""
    width, height = slices[at.slice].width, slices[at.slice].height
    shift = errors.edge_shift * (at.box.y2 - at.box.y1)
    x1, y1, x2, y2 = np.asarray(at.box.as_list()) + rng.normal(0, shift, 4)
    x1, y1 = np.clip(x1, 0, width - 2), np.clip(y1, 0, height - 2)
    x2, y2 = np.clip(x2, x1 + 2, width), np.clip(y2, y1 + 2, height)
    return SliceBox(slice=at.slice, box=Box(x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2)))


def _one_level_off(discs: tuple[Disc, ...]) -> tuple[Disc, ...]:
    """The lowest named disc called by the level above it, the others following."""
    named = [(index, disc.level) for index, disc in enumerate(discs, start=1) if disc.level is not None]
    if not named:
        return discs
    index, level = named[0]
    column = next(column for column in COLUMNS if level in column)
    above: Level = column[min(column.index(level) + 1, len(column) - 1)]
    levels = name_column(len(discs), index, above)
    return tuple(disc.model_copy(update={"level": level}) for disc, level in zip(discs, levels, strict=True))


def _seen(
    lesions: tuple[L, ...],
    renamed: dict[Level | None, Level | None],
    slices: tuple[Slice, ...],
    errors: ErrorModel,
    rng: np.random.Generator,
) -> Iterator[L]:
    for lesion in lesions:
        if rng.random() >= errors.lesion_missed:
            boxes = tuple(_moved(box, slices, errors, rng) for box in lesion.boxes)
            # A column one level too high runs out of names at its top; a lesion there keeps its own.
            level = renamed.get(lesion.level) or lesion.level
            yield lesion.model_copy(update={"boxes": boxes, "level": level})
