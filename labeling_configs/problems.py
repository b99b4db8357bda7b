"""What is wrong with a reading, in a surgeon's words: English, and the same in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from domain.errors import DiscLoopError
from labeling_configs.controls import Kind
from labeling_configs.words import WORDS, Language

NAMES = {Kind.DISC: "disc", Kind.HERNIATION: "herniation", Kind.HIZ: "high-intensity zone"}


class Said(str):
    """English that bears the same in Chinese. What the page never sends is said in English alone."""

    chinese: str

    def __new__(cls, english: str, chinese: str) -> Self:
        said = super().__new__(cls, english)
        said.chinese = chinese
        return said


class Problem(NamedTuple):
    """One thing to mend."""

    finding: str
    """Which finding, by place: slices are counted from 1 as the page shows them, discs from the lowest up."""
    reason: str

    def __str__(self) -> str:
        return f"{self.finding}: {self.reason}"

    def told(self, language: Language) -> str:
        """As one line in a site's language."""
        if language == "en":
            return str(self)
        parts = (text.chinese if isinstance(text, Said) else text for text in self)
        return "：".join(parts)


class InvalidReading(DiscLoopError):
    """A reading that cannot be kept as it is; names everything to mend at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def box_on(kind: Kind, slice_index: int) -> Said:
    """How a box is called before it is known which disc it is."""
    chinese = WORDS["zh"].codes["finding"][kind]
    return Said(f"{NAMES[kind]} on slice {slice_index + 1}", f"第 {slice_index + 1} 层的{chinese}")


def disc_at(position: int, slice_index: int) -> Said:
    """How a disc is called: `position` 1 is the lowest."""
    return Said(
        f"disc {position} from below on slice {slice_index + 1}",
        f"自下而上第 {position} 个椎间盘（第 {slice_index + 1} 层）",
    )
