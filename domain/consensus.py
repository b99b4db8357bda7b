"""The label that follows from two readings and, where they differ, from the adjudicator's decision.

A decision is a complete answer on the unit. Whatever in it is not the prefilled agreement of the two readers
is adjudicated and carries the coded reason; the rest stays agreed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypedDict, TypeVar

from pydantic import BaseModel, ConfigDict

from domain.boxes import intersection_over_union
from domain.confusion import SoftGrade, soft_adjudicated, soft_agreed
from domain.disagreements import Comparison, Subject
from domain.findings import Disc, Findings, Grade, Herniation, Hiz, SliceBox
from domain.matching import match_discs
from domain.merging import agreed_findings
from domain.taxonomy import (
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    NumberingBasis,
    Plane,
    Quality,
    Reason,
)

UNCHANGED_OVERLAP = 0.5
"""A lesion of a decision that overlaps the prefilled one this much is the prefilled one."""


class Provenance(StrEnum):
    """How a label came about."""

    AGREED = "agreed"
    ADJUDICATED = "adjudicated"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Label(_Frozen):
    boxes: tuple[SliceBox, ...]
    level: Level | None
    provenance: Provenance
    reason: Reason | None = None


class ConsensusDisc(_Label):
    """One disc's label; `index` 1 is the lowest."""

    index: int
    pfirrmann: Grade | None
    not_gradable: NotGradable | None
    soft: SoftGrade | None
    """P(true grade 1 to 5); `None` where there is no grade."""


class ConsensusHerniation(_Label):
    """One herniation's label."""

    type: HerniationType | None


class ConsensusHiz(_Label):
    """One high-intensity zone's label."""

    side: HizSide | None


class RejectedFinding(_Frozen):
    """A finding that a reader marked and the adjudicator found not to be there."""

    subject: Subject
    boxes: tuple[SliceBox, ...]
    reason: Reason | None = None


class Consensus(_Frozen):
    """One unit's label."""

    plane: Plane
    discs: tuple[ConsensusDisc, ...]
    herniations: tuple[ConsensusHerniation, ...]
    hiz: tuple[ConsensusHiz, ...]
    quality: Quality
    transitional: bool
    numbering: NumberingBasis
    provenance: Provenance
    """`adjudicated` if anything of the unit was."""
    rejected: tuple[RejectedFinding, ...] = ()


class Decision(_Frozen):
    """The adjudicator's complete answer, with reasons by place in the lists of its findings."""

    findings: Findings
    discs: Mapping[int, Reason] = {}
    herniations: Mapping[int, Reason] = {}
    hiz: Mapping[int, Reason] = {}
    unit: Reason | None = None
    """The reason for what concerns the whole unit, and for findings without one of their own."""
    rejected: tuple[RejectedFinding, ...] = ()


def agree(first: Findings, second: Findings, comparison: Comparison) -> Consensus:
    """The consensus of two readings that do not differ.

    Raises:
        ValueError: If they do; then a decision is needed.
    """
    if not comparison.agrees:
        keys = ", ".join(d.key for d in comparison.disagreements)
        raise ValueError(f"two readings that agree are expected, these differ in {keys}")
    return decide(first, second, comparison, Decision(findings=agreed_findings(first, second, comparison)))


def decide(first: Findings, second: Findings, comparison: Comparison, decision: Decision) -> Consensus:
    """The consensus that a decision makes of two readings; the decision rules throughout."""
    final, agreed = decision.findings, agreed_findings(first, second, comparison)
    discs = _discs(decision, agreed, (first, second))
    herniations = tuple(
        ConsensusHerniation(type=h.type, **_lesion_label(h, _unchanged(h, agreed.herniations), reason))
        for h, reason in _reasoned(final.herniations, decision.herniations, decision.unit)
    )
    zones = tuple(
        ConsensusHiz(side=z.side, **_lesion_label(z, _unchanged(z, agreed.hiz), reason))
        for z, reason in _reasoned(final.hiz, decision.hiz, decision.unit)
    )
    everything: tuple[_Label, ...] = (*discs, *herniations, *zones)
    untouched = (
        comparison.agrees
        and all(label.provenance is Provenance.AGREED for label in everything)
        and len(everything) == len(agreed.discs) + len(agreed.herniations) + len(agreed.hiz)
    )
    return Consensus(
        plane=final.plane,
        discs=discs,
        herniations=herniations,
        hiz=zones,
        quality=final.quality,
        transitional=final.transitional,
        numbering=final.numbering,
        provenance=Provenance.AGREED if untouched else Provenance.ADJUDICATED,
        rejected=decision.rejected,
    )


def _discs(
    decision: Decision, agreed: Findings, readings: tuple[Findings, Findings]
) -> tuple[ConsensusDisc, ...]:
    final = decision.findings
    prefilled = _twins(final, agreed)
    said = [_twins(final, reading) for reading in readings]
    order = [p.first for p in match_discs(final.discs, (), final.plane) if p.first is not None]
    labels = []
    for index, place in enumerate(order, 1):
        disc, twin = final.discs[place], prefilled.get(place)
        kept = twin is not None and _answers(twin) == _answers(disc)
        grades = [t[place].pfirrmann for t in said if place in t]
        labels.append(
            ConsensusDisc(
                index=index,
                boxes=disc.boxes,
                level=disc.level,
                pfirrmann=disc.pfirrmann,
                not_gradable=disc.not_gradable,
                soft=_soft(disc.pfirrmann, [g for g in grades if g is not None], kept),
                provenance=Provenance.AGREED if kept else Provenance.ADJUDICATED,
                reason=None if kept else decision.discs.get(place, decision.unit),
            )
        )
    return tuple(labels)


def _twins(final: Findings, other: Findings) -> dict[int, Disc]:
    """The other reading's disc of each disc of the final one, by place."""
    pairs = match_discs(final.discs, other.discs, final.plane)
    return {p.first: other.discs[p.second] for p in pairs if p.first is not None and p.second is not None}


def _answers(disc: Disc) -> tuple[Level | None, int | None, NotGradable | None]:
    return disc.level, disc.pfirrmann, disc.not_gradable


def _soft(grade: int | None, said: Sequence[int], kept: bool) -> SoftGrade | None:
    if grade is None:
        return None
    return soft_agreed(said) if kept else soft_adjudicated(grade, said)


Lesion = TypeVar("Lesion", Herniation, Hiz)


def _reasoned(
    lesions: Sequence[Lesion], reasons: Mapping[int, Reason], unit: Reason | None
) -> list[tuple[Lesion, Reason | None]]:
    return [(lesion, reasons.get(place, unit)) for place, lesion in enumerate(lesions)]


def _unchanged(lesion: Lesion, agreed: Sequence[Lesion]) -> bool:
    return any(_overlaps(lesion, other) and _kind(lesion) == _kind(other) for other in agreed)


def _kind(lesion: Herniation | Hiz) -> HerniationType | HizSide | None:
    return lesion.type if isinstance(lesion, Herniation) else lesion.side


def _overlaps(lesion: Herniation | Hiz, other: Herniation | Hiz) -> bool:
    return any(
        a.slice == b.slice and intersection_over_union(a.box, b.box) >= UNCHANGED_OVERLAP
        for a in lesion.boxes
        for b in other.boxes
    )


class _LabelFields(TypedDict):
    boxes: tuple[SliceBox, ...]
    level: Level | None
    provenance: Provenance
    reason: Reason | None


def _lesion_label(lesion: Herniation | Hiz, kept: bool, reason: Reason | None) -> _LabelFields:
    return {
        "boxes": lesion.boxes,
        "level": lesion.level,
        "provenance": Provenance.AGREED if kept else Provenance.ADJUDICATED,
        "reason": None if kept else reason,
    }
