"""Between Label Studio's result JSON and findings; the only place that knows percent from pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
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
from labeling_configs import grouping
from labeling_configs.controls import Kind
from labeling_configs.encoding import encode, encode_findings, encode_locked
from labeling_configs.grouping import Answered
from labeling_configs.problems import InvalidReading, Problem, box_on, disc_at
from labeling_configs.regions import Sheet, SliceSize, read_sheet

__all__ = [
    "Decisions",
    "InvalidReading",
    "Problem",
    "SliceSize",
    "decode",
    "decode_adjudication",
    "encode",
    "encode_findings",
    "encode_locked",
]

_DISC_CONTROLS = ("pfirrmann", "not_gradable", "level", "reason")
_LESION_CONTROLS = {
    Kind.HERNIATION: ("herniation_type", "level", "reason"),
    Kind.HIZ: ("hiz_side", "level", "reason"),
}


class Decisions(NamedTuple):
    """An adjudicator's answer: the final findings, and the coded reasons in the order of the findings."""

    findings: Findings
    discs: tuple[Reason | None, ...]
    herniations: tuple[Reason | None, ...]
    hiz: tuple[Reason | None, ...]
    unit: Reason | None


def decode(result: Sequence[dict[str, Any]], *, plane: Plane, slices: Sequence[SliceSize]) -> Findings:
    """Read a submitted reading.

    Args:
        result: The annotation's `result` as Label Studio posts it; entries of locked controls are dropped.
        plane: Plane of the unit.
        slices: Sizes of the displayed slices in display order; empty when unknown, then each box's own
            `original_width` and `original_height` are taken.

    Returns:
        The findings, boxes in pixels of the displayed slices, discs from the lowest up with all levels
        that follow from the named one.

    Raises:
        InvalidReading: If anything in it is not an answer; names everything to mend.
    """
    return decode_adjudication(result, plane=plane, slices=slices).findings


def decode_adjudication(
    result: Sequence[dict[str, Any]], *, plane: Plane, slices: Sequence[SliceSize]
) -> Decisions:
    """Read a submitted adjudication: as `decode`, with the reason given to each finding."""
    sheet, refused = read_sheet(result, plane=plane, slices=slices)
    if refused:
        raise InvalidReading(refused)
    problems = grouping.doubles(sheet.marks)
    discs = list(_discs(sheet, plane, problems))
    herniations = list(_lesions(sheet, Kind.HERNIATION, problems))
    hiz = list(_lesions(sheet, Kind.HIZ, problems))
    levels, conflicts = grouping.name_discs(discs, plane)
    problems += conflicts
    _complain_of_gaps(sheet, plane, discs, levels, problems)
    lesion_levels = [_lesion_level(lesion, discs, levels, plane, problems) for lesion in (*herniations, *hiz)]
    if problems:
        raise InvalidReading(problems)
    findings = Findings(
        plane=plane,
        discs=tuple(_disc(disc, level) for disc, level in zip(discs, levels, strict=True)),
        herniations=tuple(
            _herniation(lesion, level)
            for lesion, level in zip(herniations, lesion_levels[: len(herniations)], strict=True)
        ),
        hiz=tuple(
            _hiz(lesion, level) for lesion, level in zip(hiz, lesion_levels[len(herniations) :], strict=True)
        ),
        quality=Quality(sheet.answers.get("quality", Quality.GOOD)),
        transitional="transitional" in sheet.answers,
        numbering=NumberingBasis(sheet.answers.get("numbering", NumberingBasis.ASSUMED)),
        comment=sheet.comment,
    )
    return Decisions(
        findings, _reasons(discs), _reasons(herniations), _reasons(hiz), _reason(sheet.answers, "unit_reason")
    )


def _discs(sheet: Sheet, plane: Plane, problems: list[Problem]) -> Iterator[Answered]:
    for position, group in enumerate(grouping.group_discs(sheet.marks, plane), start=1):
        disc, disagreements = grouping.agree(group, disc_at(position, group[0].slice), _DISC_CONTROLS)
        problems += disagreements
        if plane is Plane.SAGITTAL:
            where = disc_at(position, disc.primary.slice)
            answered = {"pfirrmann", "not_gradable"} & disc.answers.keys()
            if not answered:
                problems.append(Problem(where, "it has no grade and no reason for none"))
            elif len(answered) > 1:
                problems.append(Problem(where, "it has a grade and a reason for none; take one back"))
        yield disc


def _lesions(sheet: Sheet, kind: Kind, problems: list[Problem]) -> Iterator[Answered]:
    for group in grouping.group_lesions(sheet.marks, kind):
        lesion, disagreements = grouping.agree(group, box_on(kind, group[0].slice), _LESION_CONTROLS[kind])
        problems += disagreements
        yield lesion


def _complain_of_gaps(
    sheet: Sheet,
    plane: Plane,
    discs: Sequence[Answered],
    levels: Sequence[Level | None],
    problems: list[Problem],
) -> None:
    if plane is Plane.SAGITTAL and not discs and sheet.answers.get("quality") != Quality.UNREADABLE:
        problems.append(Problem("the unit", "no disc has a box; box the discs, or call the unit unreadable"))
    for position, (disc, level) in enumerate(zip(discs, levels, strict=True), start=1):
        if level is None and not any(levels):
            where = disc_at(position, disc.primary.slice) if plane is Plane.AXIAL else "the discs"
            problems.append(Problem(where, "no disc has a level; name one, the others follow"))
            break


def _lesion_level(
    lesion: Answered,
    discs: Sequence[Answered],
    levels: Sequence[Level | None],
    plane: Plane,
    problems: list[Problem],
) -> Level | None:
    if "level" in lesion.answers:
        return Level(lesion.answers["level"])
    position = grouping.nearest_disc(lesion.marks, discs, plane)
    if position is not None:
        return levels[position]
    where = box_on(lesion.primary.kind, lesion.primary.slice)
    problems.append(Problem(where, "it belongs to no disc; name its level, or box the disc it comes from"))
    return None


def _boxes(finding: Answered) -> tuple[SliceBox, ...]:
    return tuple(SliceBox(slice=mark.slice, box=mark.box) for mark in finding.marks)


def _disc(disc: Answered, level: Level | None) -> Disc:
    grade, reason = disc.answers.get("pfirrmann"), disc.answers.get("not_gradable")
    return Disc(
        boxes=_boxes(disc),
        level=level,
        pfirrmann=int(grade) if grade else None,
        not_gradable=NotGradable(reason) if reason else None,
    )


def _herniation(lesion: Answered, level: Level | None) -> Herniation:
    code = lesion.answers.get("herniation_type")
    return Herniation(boxes=_boxes(lesion), level=level, type=HerniationType(code) if code else None)


def _hiz(lesion: Answered, level: Level | None) -> Hiz:
    code = lesion.answers.get("hiz_side")
    return Hiz(boxes=_boxes(lesion), level=level, side=HizSide(code) if code else None)


def _reasons(found: Sequence[Answered]) -> tuple[Reason | None, ...]:
    return tuple(_reason(finding.answers, "reason") for finding in found)


def _reason(answers: dict[str, str], control: str) -> Reason | None:
    return Reason(answers[control]) if control in answers else None
