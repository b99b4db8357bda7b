"""From a sheet of rectangles and answers to findings, with every problem found on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

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
from labeling_configs import controls, grouping
from labeling_configs.controls import Kind, Verdict
from labeling_configs.grouping import Answered
from labeling_configs.problems import InvalidReading, Problem, Said, box_on, disc_at
from labeling_configs.regions import Sheet

_CONTROLS = {
    Kind.DISC: ("pfirrmann", "not_gradable", "level", "verdict", "reason"),
    Kind.HERNIATION: ("herniation_type", "level", "verdict", "reason"),
    Kind.HIZ: ("hiz_side", "level", "verdict", "reason"),
}
_DECIDED = frozenset({"pfirrmann", "not_gradable"})

_UNDECIDED = Said("it has no grade and no reason for none", "没有分级，也没有说明无法分级的原因")
_DECIDED_TWICE = Said(
    "it has a grade and a reason for none; take one back", "既有分级又有无法分级的原因，请取消其中一个"
)
_UNJUDGED = Said("only one reader marked it; say whether it is there", "只有一位医师标记，请说明是否存在")
_UNREASONED = Said("your decision has no reason", "您的决定没有理由")
_EMPTY = Said(
    "no disc has a box; box the discs, or call the unit unreadable",
    "没有框出任何椎间盘；请画框，或说明图像无法判读",
)
_OF_NO_DISC = Said(
    "it belongs to no disc; name its level, or box the disc it comes from",
    "不属于任何椎间盘；请指定其节段，或框出它来自的椎间盘",
)


class Rejected(NamedTuple):
    """A marked finding of which the adjudicator said that it is not there."""

    kind: Kind
    boxes: tuple[SliceBox, ...]
    reason: Reason | None


class Decisions(NamedTuple):
    """An adjudicator's answer: the final findings, and the coded reasons by place in the findings' lists."""

    findings: Findings
    discs: Mapping[int, Reason]
    herniations: Mapping[int, Reason]
    hiz: Mapping[int, Reason]
    unit: Reason | None
    rejected: tuple[Rejected, ...]


class Decoder:
    """Reads one sheet. Problems are collected, so that the reader mends all of them at once."""

    def __init__(self, sheet: Sheet, plane: Plane) -> None:
        self.sheet = sheet
        self.plane = plane
        self.problems: list[Problem] = []
        self.rejected: list[Rejected] = []

    def decisions(self) -> Decisions:
        """The whole answer.

        Raises:
            InvalidReading: With everything to mend.
        """
        discs = self._discs()
        levels, conflicts = grouping.name_discs(discs, self.plane)
        self.problems += conflicts
        self._complain_if_empty(discs)
        found = {kind: self._lesions(kind) for kind in (Kind.HERNIATION, Kind.HIZ)}
        named = {
            kind: [(lesion, self._lesion_level(lesion, discs, levels)) for lesion in lesions]
            for kind, lesions in found.items()
        }
        # Of what the adjudicator called absent nothing is left to lie on anything.
        present = [mark for one in (*discs, *chain(*found.values())) for mark in one.marks]
        self.problems = grouping.doubles(present) + self.problems
        if self.problems:
            raise InvalidReading(self.problems)
        unit = self.sheet.answers
        findings = Findings(
            plane=self.plane,
            discs=tuple(_disc(disc, level) for disc, level in zip(discs, levels, strict=True)),
            herniations=tuple(_herniation(*lesion) for lesion in named[Kind.HERNIATION]),
            hiz=tuple(_hiz(*lesion) for lesion in named[Kind.HIZ]),
            quality=Quality(unit.get("quality", Quality.GOOD)),
            transitional="transitional" in unit,
            numbering=NumberingBasis(unit.get("numbering", NumberingBasis.ASSUMED)),
            comment=self.sheet.comment,
        )
        return Decisions(
            findings=findings,
            discs=_reasons(discs),
            herniations=_reasons(found[Kind.HERNIATION]),
            hiz=_reasons(found[Kind.HIZ]),
            unit=_reason(unit, "unit_reason"),
            rejected=tuple(self.rejected),
        )

    def _discs(self) -> list[Answered]:
        present: list[Answered] = []
        for group in grouping.group_discs(self.sheet.marks, self.plane):
            where = disc_at(len(present) + 1, group[0].slice)
            disc = self._answered(group, Kind.DISC, where)
            if disc is None:
                continue
            present.append(disc)
            given = _DECIDED & disc.answers.keys()
            where = disc_at(len(present), disc.primary.slice)
            if self.plane is Plane.SAGITTAL and not given:
                self.problems.append(Problem(where, _UNDECIDED))
            elif len(given) > 1:
                self.problems.append(Problem(where, _DECIDED_TWICE))
        return present

    def _lesions(self, kind: Kind) -> list[Answered]:
        groups = grouping.group_lesions(self.sheet.marks, kind)
        lesions = (self._answered(group, kind, box_on(kind, group[0].slice)) for group in groups)
        return [lesion for lesion in lesions if lesion is not None]

    def _answered(self, group: grouping.Group, kind: Kind, where: str) -> Answered | None:
        """The finding with its answers, or None where the adjudicator said that it is not there."""
        finding, disagreements = grouping.agree(group, where, _CONTROLS[kind])
        self.problems += disagreements
        verdict, reason = finding.answers.get("verdict"), finding.answers.get("reason")
        asked = any(mark.id.startswith(controls.ASKED) for mark in group)
        to_decide = asked or any(mark.id.startswith(controls.OPEN) for mark in group)
        if asked and verdict is None:
            self.problems.append(Problem(where, _UNJUDGED))
        elif (to_decide or verdict is not None) and reason is None:
            self.problems.append(Problem(where, _UNREASONED))
        if verdict != Verdict.ABSENT:
            return finding
        self.rejected.append(Rejected(kind, _boxes(finding), Reason(reason) if reason else None))
        return None

    def _complain_if_empty(self, discs: Sequence[Answered]) -> None:
        unreadable = self.sheet.answers.get("quality") == Quality.UNREADABLE
        if self.plane is Plane.SAGITTAL and not discs and not unreadable:
            self.problems.append(Problem(Said("the unit", "此单元"), _EMPTY))

    def _lesion_level(
        self, lesion: Answered, discs: Sequence[Answered], levels: Sequence[Level | None]
    ) -> Level | None:
        if "level" in lesion.answers:
            return Level(lesion.answers["level"])
        position = grouping.nearest_disc(lesion.marks, discs, self.plane)
        if position is not None:
            return levels[position]
        where = box_on(lesion.primary.kind, lesion.primary.slice)
        self.problems.append(Problem(where, _OF_NO_DISC))
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


def _reasons(found: Sequence[Answered]) -> dict[int, Reason]:
    given = {place: _reason(finding.answers, "reason") for place, finding in enumerate(found)}
    return {place: reason for place, reason in given.items() if reason is not None}


def _reason(answers: Mapping[str, str], control: str) -> Reason | None:
    return Reason(answers[control]) if control in answers else None
