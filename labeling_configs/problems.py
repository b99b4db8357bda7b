"""What is wrong with a reading, in a surgeon's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.errors import DiscLoopError
from labeling_configs.controls import Kind

NAMES = {Kind.DISC: "disc", Kind.HERNIATION: "herniation", Kind.HIZ: "high-intensity zone"}


class Problem(NamedTuple):
    """One thing to mend."""

    finding: str
    """Which finding, by place: slices are counted from 1 as the page shows them, discs from the lowest up."""
    reason: str

    def __str__(self) -> str:
        return f"{self.finding}: {self.reason}"


class InvalidReading(DiscLoopError):
    """A reading that cannot be kept as it is; names everything to mend at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def box_on(kind: Kind, slice_index: int) -> str:
    """How a box is called before it is known which disc it is."""
    return f"{NAMES[kind]} on slice {slice_index + 1}"


def disc_at(position: int, slice_index: int) -> str:
    """How a disc is called: `position` 1 is the lowest."""
    return f"disc {position} from below on slice {slice_index + 1}"
