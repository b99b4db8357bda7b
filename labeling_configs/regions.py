"""Label Studio's result JSON, checked entry by entry, as boxes in pixels with the answers given to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.boxes import Box
from domain.taxonomy import Plane
from labeling_configs import controls
from labeling_configs.controls import Kind
from labeling_configs.problems import Problem, Said, box_on

PERCENT_SLACK = 0.5
"""How far the editor may draw over the edge, in percent of the side; such a box is cut to the image."""
SMALLEST = 2.0
"""Shorter sides, in pixels, come from a slip of the hand."""
LONGEST_COMMENT = 4000
THOUSANDTHS = 3
"""Decimals of a pixel that are kept: percentages carry noise below that."""
LARGEST_IMAGE = 65_536

Result = Sequence[dict[str, Any]]


class SliceSize(NamedTuple):
    """Pixels of a displayed slice."""

    width: int
    height: int


class Mark(NamedTuple):
    """One rectangle on one slice, with the answers given to it by control name."""

    id: str
    kind: Kind
    slice: int
    box: Box
    answers: dict[str, str]


class Sheet(NamedTuple):
    """A whole result: rectangles in the order drawn, answers about the unit, comment."""

    marks: tuple[Mark, ...]
    answers: dict[str, str]
    comment: str


class _Loose(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore")


class _Entry(_Loose):
    id: str = ""
    from_name: str
    to_name: str
    type: str
    value: dict[str, Any]
    item_index: int | None = None
    original_width: int | None = None
    original_height: int | None = None
    image_rotation: float = 0


class _Rectangle(_Loose):
    x: float
    y: float
    width: float
    height: float
    rotation: float = 0
    rectanglelabels: list[str] = Field(min_length=1, max_length=1)


class _Choice(_Loose):
    choices: list[str]


class _Text(_Loose):
    text: list[str] | str


class _Reader:
    """Collects marks, answers and problems of one result."""

    def __init__(self, plane: Plane, slices: Sequence[SliceSize]) -> None:
        self.plane = plane
        self.slices = slices
        self.problems: list[Problem] = []
        self.marks: dict[str, Mark] = {}
        self.refused: set[str] = set()
        self.unit: dict[str, str] = {}
        self.comments: list[str] = []

    def complain(self, finding: str, reason: str) -> None:
        self.problems.append(Problem(finding, reason))

    def rectangle(self, entry: _Entry) -> None:
        mark = self._mark(entry)
        if mark is None:
            self.refused.add(entry.id)
        else:
            self.marks[entry.id] = mark

    def _mark(self, entry: _Entry) -> Mark | None:
        value = _Rectangle.model_validate(entry.value)
        code = value.rectanglelabels[0]
        if code not in set(Kind):
            self.complain("a box", f"its label must be one of {', '.join(Kind)}, got {code[:40]!r}")
            return None
        kind = Kind(code)
        slice_index = self._slice(kind, entry)
        if slice_index is None:
            return None
        name = box_on(kind, slice_index)
        if value.rotation != 0 or entry.image_rotation != 0:
            self.complain(name, "the box is rotated; boxes must be upright")
            return None
        size = self._size(name, slice_index, entry)
        box = size and self._box(name, value, size)
        if not box:
            return None
        if not entry.id or entry.id in self.marks:
            self.complain(name, "the box has no identity of its own; delete it and draw it again")
            return None
        return Mark(entry.id, kind, slice_index, box, {})

    def _slice(self, kind: Kind, entry: _Entry) -> int | None:
        index = entry.item_index
        if index is None and len(self.slices) <= 1:
            index = 0
        if index is None:
            self.complain(f"a {kind} box", "it does not say on which slice it lies")
        elif index < 0 or (self.slices and index >= len(self.slices)):
            self.complain(f"a {kind} box", f"it lies on slice {index + 1} of {len(self.slices)}")
        else:
            return index
        return None

    def _size(self, name: str, slice_index: int, entry: _Entry) -> SliceSize | None:
        drawn = (entry.original_width or 0, entry.original_height or 0)
        if self.slices:
            known = self.slices[slice_index]
            if all(drawn) and drawn != tuple(known):
                self.complain(name, f"drawn on an image of {drawn} pixels, the slice has {tuple(known)}")
                return None
            return known
        if not all(0 < side <= LARGEST_IMAGE for side in drawn):
            self.complain(name, f"the size of its image is not a size: {drawn}")
            return None
        return SliceSize(*drawn)

    def _box(self, name: str, value: _Rectangle, size: SliceSize) -> Box | None:
        right, bottom = value.x + value.width, value.y + value.height
        low, high = -PERCENT_SLACK, 100 + PERCENT_SLACK
        if value.width <= 0 or value.height <= 0:
            self.complain(name, Said("the box has no area", "框没有面积"))
        elif not (low <= value.x and low <= value.y and right <= high and bottom <= high):
            self.complain(name, Said("the box leaves the image", "框超出图像"))
        else:
            xs = [_pixels(percent, size.width) for percent in (value.x, right)]
            ys = [_pixels(percent, size.height) for percent in (value.y, bottom)]
            if xs[1] - xs[0] >= SMALLEST and ys[1] - ys[0] >= SMALLEST:
                return Box(x1=xs[0], y1=ys[0], x2=xs[1], y2=ys[1])
            said = Said(
                "the box is too small to be meant; delete it or draw it again", "框太小，请删除或重画"
            )
            self.complain(name, said)
        return None

    def answer(self, entry: _Entry) -> None:
        chosen = _Choice.model_validate(entry.value).choices
        if not chosen:
            return
        name = entry.from_name
        if name in controls.UNIT_CONTROLS:
            self._record("the unit", name, chosen, controls.UNIT_CONTROLS[name], self.unit)
            return
        mark = self.marks.get(entry.id)
        if mark is None and entry.id in self.refused:
            return
        if mark is None:
            self.complain(f"an answer to {name!r}", "it belongs to no box of this reading")
            return
        control = controls.BOX_CONTROLS[name]
        where = box_on(mark.kind, mark.slice)
        if mark.kind not in control.kinds or self.plane not in control.planes:
            self.complain(where, f"{name!r} is not asked here")
        else:
            self._record(where, name, chosen, control.codes, mark.answers)

    def _record(
        self, where: str, name: str, chosen: list[str], codes: Sequence[str], into: dict[str, str]
    ) -> None:
        if len(chosen) > 1 or name in into:
            self.complain(where, f"{name!r} takes one answer, got several")
        elif chosen[0] not in codes:
            self.complain(where, f"{name!r} must be one of {', '.join(codes)}, got {chosen[0][:40]!r}")
        else:
            into[name] = str(chosen[0])

    def comment(self, entry: _Entry) -> None:
        text = _Text.model_validate(entry.value).text
        self.comments += [text] if isinstance(text, str) else text


def _pixels(percent: float, side: int) -> float:
    return round(min(max(percent, 0.0), 100.0) / 100 * side, THOUSANDTHS)


def _entries(result: object, reader: _Reader) -> list[_Entry]:
    if not isinstance(result, list | tuple):
        reader.complain("the reading", f"expected a list of entries, got {type(result).__name__}")
        return []
    entries = []
    for position, raw in enumerate(result, start=1):
        try:
            entries.append(_Entry.model_validate(raw))
        except ValidationError as error:
            reader.complain(f"entry {position} of the reading", _first(error))
    locked = {entry.id for entry in entries if entry.from_name in controls.LOCKED}
    return [entry for entry in entries if entry.id not in locked and entry.from_name not in controls.LOCKED]


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'it'} is not as expected: {first['msg']}"


def _kind_of(entry: _Entry) -> str | None:
    """Which way an entry is read; None where control and type do not belong together."""
    if entry.from_name == controls.FINDING:
        expected = "rectanglelabels"
    elif entry.from_name == controls.COMMENT:
        expected = "textarea"
    elif entry.from_name in controls.BOX_CONTROLS or entry.from_name in controls.UNIT_CONTROLS:
        expected = "choices"
    else:
        return None
    return expected if entry.type == expected and entry.to_name == controls.IMAGE else None


def read_sheet(
    result: object, *, plane: Plane, slices: Sequence[SliceSize]
) -> tuple[Sheet, tuple[Problem, ...]]:
    """Read Label Studio's result.

    Args:
        result: The annotation's `result`, as Label Studio posts it; anything else becomes a problem.
        plane: Plane of the unit; decides which questions are asked.
        slices: Sizes of the displayed slices in display order; empty when unknown, then each entry's own
            `original_width` and `original_height` are taken.

    Returns:
        What could be read, and every entry that could not.
    """
    reader = _Reader(plane, slices)
    entries = _entries(result, reader)
    _complain_of_strangers(reader, entries)
    handlers = {"rectanglelabels": reader.rectangle, "choices": reader.answer, "textarea": reader.comment}
    for kind, handle in handlers.items():
        for entry in entries:
            if _kind_of(entry) == kind:
                try:
                    handle(entry)
                except ValidationError as error:
                    reader.refused.add(entry.id)
                    reader.complain(f"an entry of {entry.from_name!r}", _first(error))
    comment = "\n".join(reader.comments)
    if len(comment) > LONGEST_COMMENT:
        said = Said(
            f"it has {len(comment)} characters, {LONGEST_COMMENT} are kept",
            f"有 {len(comment)} 个字符，最多保留 {LONGEST_COMMENT} 个",
        )
        reader.complain(Said("the comment", "备注"), said)
    return Sheet(tuple(reader.marks.values()), reader.unit, comment), tuple(reader.problems)


def _complain_of_strangers(reader: _Reader, entries: Iterable[_Entry]) -> None:
    for entry in entries:
        if _kind_of(entry) is None:
            what = f"{entry.type[:40]!r} from {entry.from_name[:40]!r} on {entry.to_name[:40]!r}"
            reader.refused.add(entry.id)
            reader.complain("an entry of the reading", f"the page has no such question: {what}")
