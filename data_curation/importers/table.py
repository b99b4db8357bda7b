"""The declared table that maps a data set's label names to findings. What is not in it is refused by name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from domain.errors import DiscLoopError
from domain.findings import Disc, Herniation, Hiz, SliceBox
from domain.taxonomy import HerniationType, HizSide, Level, NotGradable

DEFAULT: dict[str, str] = {
    **{f"{p}{grade}": f"disc:{grade}" for grade in range(1, 6) for p in ("", "grade", "pfirrmann", "p", "g")},
    **dict(zip(("i", "ii", "iii", "iv", "v"), (f"disc:{g}" for g in range(1, 6)), strict=True)),
    "disc": "disc", "ivd": "disc", "disk": "disc", "intervertebraldisc": "disc", "normaldisc": "disc",
    "herniation": "herniation", "hernia": "herniation", "ldh": "herniation", "hnp": "herniation",
    "protrusion": "herniation:protrusion", "extrusion": "herniation:extrusion",
    "sequestration": "herniation:sequestration", "hiz": "hiz",
}  # fmt: skip
"""Names without case, spaces, hyphens and underscores, and what they mean."""


@dataclass(frozen=True)
class Meaning:
    """What a label stands for."""

    kind: str
    """`disc`, `herniation` or `hiz`."""
    detail: str = ""
    """A grade or reason, a herniation's type, a zone's side; empty for none."""
    level: Level | None = None

    @property
    def code(self) -> str:
        """`disc:3@L4/5`; `Table.meaning` reads it back."""
        return (
            self.kind + (f":{self.detail}" if self.detail else "") + (f"@{self.level}" if self.level else "")
        )


_DETAILS = {
    "disc": {"1", "2", "3", "4", "5", *(r.value for r in NotGradable)},
    "herniation": {t.value for t in HerniationType},
    "hiz": {s.value for s in HizSide},
}


class Table:
    """Label names to meanings."""

    def __init__(self, names: dict[str, str] | None = None) -> None:
        """`names` adds to and overrides `DEFAULT`."""
        self._meanings = {_plain(n): parse_code(code, n) for n, code in {**DEFAULT, **(names or {})}.items()}

    @classmethod
    def read(cls, path: Path | None) -> Table:
        """A table from a JSON file `{"name": "disc:3", …}`, or the default one."""
        if path is None:
            return cls()
        try:
            names = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise DiscLoopError(f"{path}: expected a JSON object of label names and codes") from error
        if not isinstance(names, dict) or not all(isinstance(v, str) for v in names.values()):
            raise DiscLoopError(f"{path}: expected a JSON object of label names and codes")
        return cls(names)

    def meaning(self, name: str, where: str) -> Meaning:
        """What a label name stands for.

        Raises:
            DiscLoopError: If the table does not have it; named with the file it is in.
        """
        if _plain(name) in self._meanings:
            return self._meanings[_plain(name)]
        if re.fullmatch(r"(disc|herniation|hiz)([:@].*)?", name):
            return parse_code(name, where)
        raise DiscLoopError(f"{where}: label {name!r} is not in the table of labels; --table FILE adds names")


def parse_code(code: str, where: str) -> Meaning:
    """Read `disc`, `disc:3`, `herniation:extrusion@L5/S1`.

    Raises:
        DiscLoopError: If it is not such a code.
    """
    main, _, level = code.partition("@")
    kind, _, detail = main.partition(":")
    if kind not in _DETAILS or (detail and detail not in _DETAILS[kind]):
        raise DiscLoopError(
            f"{where}: {code!r} is not a code such as disc, disc:3, herniation:protrusion, hiz"
        )
    if level and level not in {v.value for v in Level}:
        raise DiscLoopError(f"{where}: {level!r} is not a level such as L4/5")
    return Meaning(kind, detail, Level(level) if level else None)


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def code_of(finding: Disc | Herniation | Hiz, *, with_level: bool) -> str:
    """The code of a finding."""
    level = finding.level if with_level else None
    if isinstance(finding, Disc):
        detail = str(finding.pfirrmann) if finding.pfirrmann else (finding.not_gradable or "")
        return Meaning("disc", detail, level).code
    if isinstance(finding, Herniation):
        return Meaning("herniation", finding.type or "", level).code
    return Meaning("hiz", finding.side or "", level).code


def finding_of(meaning: Meaning, boxes: tuple[SliceBox, ...]) -> Disc | Herniation | Hiz:
    """The finding that a meaning and its boxes make."""
    detail = meaning.detail
    if meaning.kind == "disc":
        if detail.isdigit():
            return Disc(boxes=boxes, level=meaning.level, pfirrmann=int(detail))
        return Disc(boxes=boxes, level=meaning.level, not_gradable=NotGradable(detail) if detail else None)
    if meaning.kind == "herniation":
        return Herniation(boxes=boxes, level=meaning.level, type=HerniationType(detail) if detail else None)
    return Hiz(boxes=boxes, level=meaning.level, side=HizSide(detail) if detail else None)
