"""Findings and Label Studio results, made for the codec's tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from domain.boxes import Box
from domain.findings import Disc, Findings, Herniation, Hiz, Proposal, ProposedDisc, ProposedLesion, SliceBox
from domain.taxonomy import (
    COLUMNS,
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    NumberingBasis,
    Plane,
    Quality,
    name_column,
)
from labeling_configs.codec import SliceSize

SLICES = tuple(SliceSize(width, 700) for width in (500, 500, 500, 500, 640, 900, 411))
ROW = 80.0
"""Pixels from one disc to the next; boxes stay within half of it, so that no two discs touch."""


def _thousandths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda n: n / 1000)


@st.composite
def _column_levels(draw: st.DrawFn, count: int) -> tuple[Level | None, ...]:
    index = draw(st.integers(1, count))
    return name_column(count, index, draw(st.sampled_from(draw(st.sampled_from(COLUMNS)))))


@st.composite
def _disc(draw: st.DrawFn, position: int, level: Level | None) -> Disc:
    slices = draw(st.lists(st.integers(0, len(SLICES) - 1), min_size=1, max_size=3, unique=True))
    top = 600.0 - ROW * position
    boxes = [
        SliceBox(
            slice=index,
            box=Box(
                x1=draw(_thousandths(100, 110)),
                y1=round(top + draw(_thousandths(0, 4)), 3),
                x2=draw(_thousandths(190, 200)),
                y2=round(top + draw(_thousandths(26, 30)), 3),
            ),
        )
        for index in (slices[0], *sorted(slices[1:]))
    ]
    grade = draw(st.none() | st.integers(1, 5))
    reason = draw(st.sampled_from(NotGradable)) if grade is None else None
    return Disc(boxes=tuple(boxes), level=level, pfirrmann=grade, not_gradable=reason)


@st.composite
def _lesion_boxes(draw: st.DrawFn, discs: tuple[Disc, ...], left: float) -> tuple[tuple[SliceBox, ...], int]:
    """Boxes of one lesion on consecutive slices, touching one disc, and which disc."""
    position = draw(st.integers(0, len(discs) - 1))
    first = draw(st.integers(0, len(SLICES) - 1))
    last = draw(st.integers(first, min(first + 2, len(SLICES) - 1)))
    top = 600.0 - ROW * position + 5
    right, bottom = left + draw(_thousandths(15, 30)), top + draw(_thousandths(10, 20))
    box = Box(x1=left, y1=top, x2=round(right, 3), y2=round(bottom, 3))
    return tuple(SliceBox(slice=index, box=box) for index in range(first, last + 1)), position


@st.composite
def sagittal_findings(draw: st.DrawFn) -> Findings:
    """Complete readings as `decode` gives them: one disc a row, at most one lesion of a kind a disc."""
    count = draw(st.integers(1, 8))
    levels = draw(_column_levels(count))
    discs = tuple(draw(_disc(i, level)) for i, level in enumerate(levels))
    herniations, hiz = [], []
    for boxes, position in draw(
        st.lists(_lesion_boxes(discs, 185.0), max_size=3, unique_by=lambda lesion: lesion[1])
    ):
        kind = draw(st.none() | st.sampled_from(HerniationType))
        herniations.append(Herniation(boxes=boxes, level=levels[position], type=kind))
    for boxes, position in draw(
        st.lists(_lesion_boxes(discs, 95.0), max_size=3, unique_by=lambda lesion: lesion[1])
    ):
        side = draw(st.none() | st.sampled_from(HizSide))
        hiz.append(Hiz(boxes=boxes, level=levels[position], side=side))
    return Findings(
        plane=Plane.SAGITTAL,
        discs=discs,
        herniations=tuple(sorted(herniations, key=_by_place)),
        hiz=tuple(sorted(hiz, key=_by_place)),
        quality=draw(st.sampled_from(Quality)),
        transitional=draw(st.booleans()),
        numbering=draw(st.sampled_from(NumberingBasis)),
        comment=draw(st.text(st.characters(codec="utf-8"), max_size=40)),
    )


def _by_place(lesion: Herniation | Hiz) -> tuple[int, list[float]]:
    return lesion.primary.slice, lesion.primary.box.as_list()


@st.composite
def proposals(draw: st.DrawFn) -> Proposal:
    """What a model may propose on a sagittal unit."""
    findings = draw(sagittal_findings())
    score = draw(st.floats(0, 1))
    return Proposal(
        model="m",
        discs=tuple(
            ProposedDisc(
                index=i,
                level=disc.level,
                slice=disc.primary.slice,
                box=disc.primary.box,
                score=score,
                pfirrmann=disc.pfirrmann or 3,
                pfirrmann_probs=(0.1, 0.2, 0.4, 0.2, 0.1),
            )
            for i, disc in enumerate(findings.discs, start=1)
        ),
        herniations=tuple(
            ProposedLesion(level=h.level, slice=h.primary.slice, box=h.primary.box, score=score)
            for h in findings.herniations
        ),
        hiz=tuple(
            ProposedLesion(level=h.level, slice=h.primary.slice, box=h.primary.box, score=score)
            for h in findings.hiz
        ),
        uncertainty=0.5,
    )


def box_entry(identity: str, kind: str = "disc", slice_index: int = 0, **changes: Any) -> dict[str, Any]:
    """A rectangle as Label Studio posts it; `changes` go into its value or, by name, into the entry."""
    value = {"x": 30.0, "y": 50.0, "width": 20.0, "height": 5.0, "rotation": 0, "rectanglelabels": [kind]}
    entry: dict[str, Any] = {
        "id": identity,
        "from_name": "finding",
        "to_name": "slices",
        "type": "rectanglelabels",
        "item_index": slice_index,
        "original_width": SLICES[slice_index].width,
        "original_height": SLICES[slice_index].height,
        "image_rotation": 0,
        "value": value,
    }
    for name, change in changes.items():
        (value if name in value else entry)[name] = change
    return entry


def choice_entry(identity: str, control: str, *codes: str) -> dict[str, Any]:
    """An answer as Label Studio posts it."""
    return {
        "id": identity,
        "from_name": control,
        "to_name": "slices",
        "type": "choices",
        "value": {"choices": list(codes)},
    }


def graded(identity: str, y: float, grade: str = "3", **changes: Any) -> list[dict[str, Any]]:
    """A disc box at a height in percent, with its grade."""
    return [box_entry(identity, y=y, **changes), choice_entry(identity, "pfirrmann", grade)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def broken_results(draw: st.DrawFn) -> object:
    """A valid result with some part replaced by arbitrary JSON."""
    entries: list[Any] = [*graded("a", 60), *graded("b", 40), choice_entry("a", "level", "L5/S1")]
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(0, len(entries) - 1))
        broken = draw(JSON)
        kind = draw(st.sampled_from(["entry", "field", "value"]))
        entry = entries[where]
        if kind == "entry" or not isinstance(entry, dict) or not entry:
            entries[where] = broken
        elif kind == "field":
            entries[where] = {**entry, draw(st.sampled_from(sorted(entry))): broken}
        elif isinstance(entry.get("value"), dict) and entry["value"]:
            name = draw(st.sampled_from(sorted(entry["value"])))
            entries[where] = {**entry, "value": {**entry["value"], name: broken}}
    return draw(st.sampled_from([entries, entries, entries, broken]))
