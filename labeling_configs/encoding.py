"""From findings to Label Studio's result JSON: pre-labels for readers, and what adjudicators start from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

from domain.boxes import Box
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Hiz, Proposal, SliceBox
from domain.taxonomy import Arm, Level, NumberingBasis, Plane, Quality
from labeling_configs import controls, grouping
from labeling_configs.controls import Kind
from labeling_configs.grouping import Answered
from labeling_configs.regions import Mark, SliceSize

Entries = list[dict[str, Any]]
Lesion = Herniation | Hiz


def encode(proposal: Proposal, *, arm: Arm, plane: Plane, slices: Sequence[SliceSize]) -> Entries:
    """The part of a proposal that an arm may see, as the `result` of a Label Studio prediction.

    Args:
        proposal: The model's findings, boxes in pixels of the displayed slices.
        arm: `unaided` gives nothing, `boxes` the disc boxes alone, `full` everything. Never a score.
        plane: Plane of the unit; axial units are given no grade.
        slices: Sizes of all displayed slices in display order.

    Raises:
        DiscLoopError: If a box lies on a slice that is not there.
    """
    if arm is Arm.UNAIDED:
        return []
    full, graded = arm is Arm.FULL, arm is Arm.FULL and plane is Plane.SAGITTAL
    discs = tuple(
        Disc(
            boxes=(SliceBox(slice=disc.slice, box=disc.box),),
            level=disc.level if full else None,
            pfirrmann=disc.pfirrmann if graded else None,
        )
        for disc in sorted(proposal.discs, key=lambda disc: disc.index)
    )
    # On sagittal units a lesion's level follows its disc, so that naming the disc anew renames both.
    lesions = proposal.herniations if full else (), proposal.hiz if full else ()
    herniations, hiz = (
        [(SliceBox(slice=p.slice, box=p.box), p.level if plane is Plane.AXIAL else None) for p in kind]
        for kind in lesions
    )
    findings = Findings(
        plane=plane,
        discs=discs,
        herniations=tuple(Herniation(boxes=(box,), level=level) for box, level in herniations),
        hiz=tuple(Hiz(boxes=(box,), level=level) for box, level in hiz),
    )
    return _encode(findings, slices)


def encode_findings(
    findings: Findings, *, slices: Sequence[SliceSize], asked: Collection[tuple[Kind, int]] = ()
) -> Entries:
    """Findings as an editable `result`, for instance what two readers agreed on, before an adjudicator.

    A disc with neither grade nor reason is left for the adjudicator to decide. `decode` gives the
    findings back once all are decided.

    Args:
        findings: Boxes in pixels of the displayed slices.
        slices: Sizes of all displayed slices in display order.
        asked: Findings, by kind and place in their list (from 0), that one reader alone marked: the
            adjudicator must say whether they are there.

    Raises:
        DiscLoopError: If a box lies on a slice that is not there.
    """
    return _encode(findings, slices, asked=asked, to_decide=True)


def _encode(
    findings: Findings,
    slices: Sequence[SliceSize],
    *,
    asked: Collection[tuple[Kind, int]] = (),
    to_decide: bool = False,
) -> Entries:
    # Axial discs lie on each other from slice to slice; only the name tells whose box it is.
    writer = _Writer(slices, named_everywhere=findings.plane is Plane.AXIAL)
    names = grouping.fewest_names([disc.level for disc in findings.discs], findings.plane)
    answered = []
    for position, disc in enumerate(findings.discs):
        answers = _disc_answers(disc, names.get(position))
        ungraded = findings.plane is Plane.SAGITTAL and disc.pfirrmann is None and disc.not_gradable is None
        name = f"{controls.OPEN if to_decide and ungraded else ''}disc-{position + 1}"
        if (Kind.DISC, position) in asked:
            name = f"{controls.ASKED}{name}"
        answered.append(writer.finding(name, Kind.DISC, disc.boxes, answers))
    levels = [disc.level for disc in findings.discs]
    for kind, position, lesion in _lesions(findings):
        answers = _lesion_answers(lesion)
        name = f"{controls.ASKED if (kind, position - 1) in asked else ''}{kind}-{position}"
        marks = writer.marks(name, kind, lesion.boxes)
        nearest = grouping.nearest_disc(marks, answered, findings.plane)
        if lesion.level is not None and (nearest is None or levels[nearest] != lesion.level):
            answers["level"] = str(lesion.level)
        writer.finding(name, kind, lesion.boxes, answers)
    return writer.entries + list(_unit_entries(findings))


def encode_locked(findings: Findings, *, reader: Literal[1, 2], slices: Sequence[SliceSize]) -> Entries:
    """One reader's boxes for the adjudication page: locked, with their answers as text beside the box.

    `decode` drops them from what the adjudicator submits.
    """
    control = controls.LOCKED[reader - 1]
    writer = _Writer(slices, control=control, locked=True)
    for position, disc in enumerate(findings.discs, start=1):
        words = _words(disc.level, disc.pfirrmann and f"grade {disc.pfirrmann}", disc.not_gradable)
        writer.finding(f"{control}-disc-{position}", Kind.DISC, disc.boxes, {}, note=words)
    for kind, position, lesion in _lesions(findings):
        words = _words(lesion.level, *_lesion_answers(lesion).values())
        writer.finding(f"{control}-{kind}-{position}", kind, lesion.boxes, {}, note=words)
    return writer.entries


class _Writer:
    def __init__(
        self,
        slices: Sequence[SliceSize],
        *,
        control: str = controls.FINDING,
        locked: bool = False,
        named_everywhere: bool = False,
    ) -> None:
        self.slices = slices
        self.control = control
        self.locked = locked
        self.named_everywhere = named_everywhere
        self.entries: Entries = []

    def marks(self, name: str, kind: Kind, boxes: Sequence[SliceBox]) -> tuple[Mark, ...]:
        return tuple(Mark(f"{name}-{b.slice + 1}", kind, b.slice, b.box, {}) for b in boxes)

    def finding(
        self, name: str, kind: Kind, boxes: Sequence[SliceBox], answers: dict[str, str], note: str = ""
    ) -> Answered:
        """Write all boxes of a finding; the answers stand at the first, the deciding one."""
        marks = self.marks(name, kind, boxes)
        for mark in marks:
            self.entries.append(self._rectangle(mark, note))
        for control, code in answers.items():
            everywhere = self.named_everywhere and control == "level"
            self.entries += [
                self._choice(mark, control, code) for mark in (marks if everywhere else marks[:1])
            ]
        return Answered(marks, answers)

    def _rectangle(self, mark: Mark, note: str) -> dict[str, Any]:
        place = self._place(mark)
        place["value"]["rectanglelabels"] = [str(mark.kind)]
        entry = {**place, "from_name": self.control, "type": "rectanglelabels"}
        if self.locked:
            entry["readonly"] = True
        if note:
            entry["meta"] = {"text": [note]}
        return entry

    def _choice(self, mark: Mark, control: str, code: str) -> dict[str, Any]:
        place = self._place(mark)
        place["value"]["choices"] = [code]
        return {**place, "from_name": control, "type": "choices"}

    def _place(self, mark: Mark) -> dict[str, Any]:
        if mark.slice >= len(self.slices):
            raise DiscLoopError(f"a box lies on slice {mark.slice} (from 0) of {len(self.slices)} slices")
        size = self.slices[mark.slice]
        return {
            "id": mark.id,
            "to_name": controls.IMAGE,
            "item_index": mark.slice,
            "original_width": size.width,
            "original_height": size.height,
            "image_rotation": 0,
            "value": {**_percent(mark.box, size), "rotation": 0},
        }


def _percent(box: Box, size: SliceSize) -> dict[str, float]:
    return {
        "x": box.x1 / size.width * 100,
        "y": box.y1 / size.height * 100,
        "width": (box.x2 - box.x1) / size.width * 100,
        "height": (box.y2 - box.y1) / size.height * 100,
    }


def _lesions(findings: Findings) -> Iterator[tuple[Kind, int, Lesion]]:
    for position, herniation in enumerate(findings.herniations, start=1):
        yield Kind.HERNIATION, position, herniation
    for position, hiz in enumerate(findings.hiz, start=1):
        yield Kind.HIZ, position, hiz


def _disc_answers(disc: Disc, name: Level | None) -> dict[str, str]:
    answers = {}
    if disc.pfirrmann is not None:
        answers["pfirrmann"] = str(disc.pfirrmann)
    if disc.not_gradable is not None:
        answers["not_gradable"] = str(disc.not_gradable)
    if name is not None:
        answers["level"] = str(name)
    return answers


def _lesion_answers(lesion: Lesion) -> dict[str, str]:
    if isinstance(lesion, Herniation):
        return {"herniation_type": str(lesion.type)} if lesion.type else {}
    return {"hiz_side": str(lesion.side)} if lesion.side else {}


def _words(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part)


def _unit_entries(findings: Findings) -> Iterator[dict[str, Any]]:
    if findings.quality is not Quality.GOOD:
        yield _unit_choice("quality", findings.quality)
    if findings.transitional:
        yield _unit_choice("transitional", controls.TRANSITIONAL_YES)
    if findings.numbering is not NumberingBasis.ASSUMED:
        yield _unit_choice("numbering", findings.numbering)
    if findings.comment:
        yield _unit_entry(controls.COMMENT, "textarea", {"text": [findings.comment]})


def _unit_choice(control: str, code: str) -> dict[str, Any]:
    return _unit_entry(control, "choices", {"choices": [str(code)]})


def _unit_entry(control: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"unit-{control}",
        "from_name": control,
        "to_name": controls.IMAGE,
        "type": kind,
        "value": value,
    }
