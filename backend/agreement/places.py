"""Agreement on where: boxes of one thing that both readers drew, and lesions slice by slice."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from backend.agreement.discs import sagittal
from backend.agreement.repository import Compared
from domain.agreement.estimates import Statistic
from domain.agreement.extent import BoxAgreement, BoxPair, SliceMarks, box_agreement, slice_f1
from domain.boxes import Box
from domain.disagreements import Subject
from domain.findings import Findings, SliceBox
from domain.taxonomy import Arm

LESIONS = (Subject.HERNIATION, Subject.HIZ)
Boxes = Sequence[SliceBox]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the two readers of one unit put their boxes."""

    arm: Arm
    is_random: bool
    pairs: Mapping[Subject, tuple[BoxPair, ...]]
    """Boxes of one finding on a slice where both boxed it."""
    marks: Mapping[Subject, SliceMarks]


class Where(BaseModel):
    """Where readers agree, one arm's readings of the random share."""

    discs: BoxAgreement
    herniations: BoxAgreement
    hiz: BoxAgreement
    herniation_slice_f1: Statistic
    hiz_slice_f1: Statistic


def places_of(unit: Compared) -> Places:
    """Everything that two readers boxed in one unit."""
    about, stack = unit.first.assignment, sagittal(unit)
    first, second = unit.first.findings, unit.second.findings
    found = {Subject.DISC: list(_discs(unit))}
    found |= {subject: list(_lesions(unit, subject)) for subject in LESIONS}
    return Places(
        arm=about.arm,
        is_random=about.selection.value == "random",
        pairs={
            subject: tuple(
                BoxPair.of(unit.study.patient, one, other, stack.spacing)
                for ours, theirs in matched
                for one, other in _shared(ours, theirs)
            )
            for subject, matched in found.items()
        },
        marks={
            subject: SliceMarks.of(
                unit.study.patient,
                zip(
                    _marked(first, subject, len(stack.slices)),
                    _marked(second, subject, len(stack.slices)),
                    strict=True,
                ),
            )
            for subject in LESIONS
        },
    )


def where(places: Iterable[Places], arm: str) -> Where:
    """The figures of one arm (or `all`), with intervals by resampling patients."""
    chosen = [one for one in places if one.is_random and arm in ("all", one.arm.value)]

    def overlap(subject: Subject) -> BoxAgreement:
        return box_agreement([pair for one in chosen for pair in one.pairs[subject]])

    def f1(subject: Subject) -> Statistic:
        return slice_f1([one.marks[subject] for one in chosen])

    return Where(
        discs=overlap(Subject.DISC),
        herniations=overlap(Subject.HERNIATION),
        hiz=overlap(Subject.HIZ),
        herniation_slice_f1=f1(Subject.HERNIATION),
        hiz_slice_f1=f1(Subject.HIZ),
    )


def as_csv(found: Where) -> str:
    """A line a statistic, with its interval."""
    figures = [
        (finding, boxes.boxes, name, one)
        for finding, boxes, f1 in (
            ("discs", found.discs, None),
            ("herniations", found.herniations, found.herniation_slice_f1),
            ("hiz", found.hiz, found.hiz_slice_f1),
        )
        for name, one in (
            ("overlap", boxes.overlap),
            ("centre_distance_mm", boxes.centre_distance_mm),
            ("slice_f1", f1),
        )
        if one is not None
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("finding", "boxes", "statistic", "value", "low", "high", "se", "reason"))
    writer.writerows(
        (finding, boxes, name, one.value, one.low, one.high, one.se, one.reason)
        for finding, boxes, name, one in figures
    )
    return out.getvalue()


def _discs(unit: Compared) -> Iterator[tuple[Boxes, Boxes]]:
    for pair in unit.comparison.discs:
        if pair.first is not None and pair.second is not None:
            ours, theirs = unit.first.findings.discs[pair.first], unit.second.findings.discs[pair.second]
            yield ours.boxes, theirs.boxes


def _lesions(unit: Compared, subject: Subject) -> Iterator[tuple[Boxes, Boxes]]:
    ours, theirs = (_of(said.findings, subject) for said in (unit.first, unit.second))
    for pair in unit.comparison.lesions:
        if pair.subject is subject and pair.first and pair.second:
            yield (
                [box for mark in pair.first for box in ours[mark]],
                [box for mark in pair.second for box in theirs[mark]],
            )


def _of(findings: Findings, subject: Subject) -> list[Boxes]:
    lesions = findings.herniations if subject is Subject.HERNIATION else findings.hiz
    return [lesion.boxes for lesion in lesions]


def _shared(ours: Boxes, theirs: Boxes) -> Iterator[tuple[Box, Box]]:
    """The two boxes of each slice that both readers boxed."""
    at = {one.slice: one.box for one in theirs}
    return ((one.box, at[one.slice]) for one in ours if one.slice in at)


def _marked(findings: Findings, subject: Subject, slices: int) -> list[bool]:
    marked = {box.slice for boxes in _of(findings, subject) for box in boxes}
    return [number in marked for number in range(slices)]
