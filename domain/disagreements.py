"""The ways two readings of a unit can differ, and how grave each is."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.taxonomy import DisagreementKind, Level

SEVERITY: dict[DisagreementKind, float] = {
    DisagreementKind.LEVEL_SHIFT: 1.0,
    DisagreementKind.PRESENCE: 0.7,
    DisagreementKind.GRADABILITY: 0.6,
    DisagreementKind.LEVEL: 0.6,
    DisagreementKind.LOCATION: 0.5,
    DisagreementKind.TRANSITIONAL: 0.4,
    DisagreementKind.EXTENT: 0.2,
    DisagreementKind.GRADE: 0.25,
}
"""How much a disagreement matters for the order of adjudication; a grade's is per step of distance."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Subject(StrEnum):
    """What a disagreement is about."""

    DISC = "disc"
    HERNIATION = "herniation"
    HIZ = "hiz"
    COLUMN = "column"
    UNIT = "unit"


class Disagreement(_Frozen):
    """One thing two readings say differently."""

    key: str
    """Names it within its comparison, whichever reader comes first."""
    kind: DisagreementKind
    subject: Subject
    position: int | None = None
    """The disc, counted from the lowest (1) over both readings; `None` for column and unit."""
    level: Level | None = None
    """The disc's level where the readers agree on it, for people to read."""
    first: str
    """What the first reading says, as codes."""
    second: str
    distance: int | None = None
    """Grade steps, or levels the second reading is below the first."""
    severity: float


class DiscPair(_Frozen):
    """A disc of either reading: positions in `Findings.discs`, `None` where a reader did not box it."""

    position: int
    first: int | None
    second: int | None
    overlap: float | None = None


class LesionPair(_Frozen):
    """A lesion of either reading: positions of its marks in `Findings.herniations` or `.hiz`."""

    subject: Subject
    position: int | None
    first: tuple[int, ...] = ()
    second: tuple[int, ...] = ()


class Comparison(_Frozen):
    """Two readings of one unit, matched."""

    discs: tuple[DiscPair, ...]
    lesions: tuple[LesionPair, ...]
    disagreements: tuple[Disagreement, ...]
    severity: float

    @property
    def agrees(self) -> bool:
        """Whether nothing asks for a decision."""
        return not self.disagreements

    def kinds(self, position: int | None, subject: Subject = Subject.DISC) -> set[DisagreementKind]:
        """The kinds of disagreement about one disc, or about its lesions."""
        return {d.kind for d in self.disagreements if d.position == position and d.subject == subject}


def unit_severity(disagreements: Iterable[Disagreement]) -> float:
    """The gravest disagreement, and a tenth of each further one."""
    weights = sorted((d.severity for d in disagreements), reverse=True)
    return round(weights[0] + 0.1 * sum(weights[1:]), 6) if weights else 0.0


def differ(
    kind: DisagreementKind,
    subject: Subject,
    position: int | None,
    level: Level | None = None,
    number: int = 0,
    *,
    first: str,
    second: str,
    distance: int | None = None,
) -> Disagreement:
    """A disagreement of one kind about one subject; `number` tells several on one disc apart."""
    key = ":".join(str(part) for part in (kind, subject, position, number or None) if part is not None)
    steps = abs(distance) if kind is DisagreementKind.GRADE and distance else 1
    return Disagreement(
        key=key,
        kind=kind,
        subject=subject,
        position=position,
        level=level,
        first=str(first),
        second=str(second),
        distance=distance,
        severity=SEVERITY[kind] * steps,
    )
