"""What a simulated adjudicator answers: what is open gets a decision and a reason, what agrees stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from discloop.play.errors import ADJUDICATOR, ErrorModel
from domain.boxes import Box, intersection_over_union
from domain.confusion import confusion
from domain.findings import Disc, Findings, Herniation, Hiz
from domain.taxonomy import GRADES, Level, Plane, Reason
from labeling_configs import controls
from labeling_configs.controls import Kind, Verdict

Entry = dict[str, Any]
THERE = 0.1
"""Least overlap with a true finding for a mark to be of it."""


def decide(
    shown: list[Entry], truth: Findings, rng: np.random.Generator, errors: ErrorModel = ADJUDICATOR
) -> list[Entry]:
    """The `result` submitted: what was shown, with an answer at every finding that asks for one.

    Args:
        shown: The prediction's entries on the adjudication page.
        truth: What is true of the unit.
        rng: Decides the errors.
        errors: How often they are made.
    """
    answered = {(entry["id"], entry["from_name"]) for entry in shown if entry["type"] == "choices"}
    decided = list(shown)
    for box in _first_marks(shown):
        for control, code in _answers(box, truth, rng, errors):
            if (box["id"], control) not in answered:
                decided.append(_choice(box, control, code))
    return decided + list(_name(shown, truth))


def _first_marks(shown: list[Entry]) -> Iterator[Entry]:
    """One rectangle a finding: the first, which carries its answers."""
    seen = set()
    for entry in shown:
        if entry["from_name"] == controls.FINDING and entry["type"] == "rectanglelabels":
            name = entry["id"].rsplit("-", 1)[0]
            if name not in seen:
                seen.add(name)
                yield entry


def _answers(
    box: Entry, truth: Findings, rng: np.random.Generator, errors: ErrorModel
) -> Iterator[tuple[str, str]]:
    kind, asked = Kind(box["value"]["rectanglelabels"][0]), box["id"].startswith(controls.ASKED)
    found = _true_finding(box, kind, truth)
    if asked:
        yield "verdict", Verdict.PRESENT if found else Verdict.ABSENT
        yield "reason", Reason.MISSED if found else Reason.CRITERION
    elif box["id"].startswith(controls.OPEN):
        grade = found.pfirrmann if isinstance(found, Disc) and found.pfirrmann else 3
        yield "pfirrmann", str(int(rng.choice(GRADES, p=confusion(errors.grade_decay)[grade - 1])))
        yield "reason", Reason.CRITERION


def _true_finding(box: Entry, kind: Kind, truth: Findings) -> Disc | Herniation | Hiz | None:
    """The true finding under a mark: by overlap on its slice; a disc on the nearest it is boxed on."""
    all_of: dict[Kind, tuple[Disc | Herniation | Hiz, ...]] = {
        Kind.DISC: truth.discs,
        Kind.HERNIATION: truth.herniations,
        Kind.HIZ: truth.hiz,
    }
    where, index = _pixels(box), box["item_index"]
    near = [
        # Axial discs lie over each other: there the slice tells them apart, on sagittal slices the height.
        (abs(b.slice - index) if truth.plane is Plane.AXIAL else 0, -overlap, n)
        for n, finding in enumerate(all_of[kind])
        for b in finding.boxes
        if (overlap := intersection_over_union(where, b.box)) >= THERE
        and (kind is Kind.DISC or b.slice == index)
    ]
    return all_of[kind][min(near)[2]] if near else None


def _name(shown: list[Entry], truth: Findings) -> Iterator[Entry]:
    """Where the readers' levels differ none is filled in: the true ones are named.

    On sagittal units one is enough, the others follow; on axial ones each disc has its own.
    """
    named = {entry["id"] for entry in shown if entry["from_name"] == "level"}
    if named and truth.plane is Plane.SAGITTAL:
        return
    for box in _first_marks(shown):
        found = _true_finding(box, Kind.DISC, truth) if _is_disc(box) and box["id"] not in named else None
        level: Level | None = found.level if found else None
        if level is not None:
            yield _choice(box, "level", level)
            if truth.plane is Plane.SAGITTAL:
                return


def _is_disc(box: Entry) -> bool:
    return bool(box["value"]["rectanglelabels"] == [str(Kind.DISC)])


def _pixels(box: Entry) -> Box:
    value, width, height = box["value"], box["original_width"] / 100, box["original_height"] / 100
    return Box(
        x1=value["x"] * width,
        y1=value["y"] * height,
        x2=(value["x"] + value["width"]) * width,
        y2=(value["y"] + value["height"]) * height,
    )


def _choice(box: Entry, control: str, code: str) -> Entry:
    place = {name: value for name, value in box["value"].items() if name != "rectanglelabels"}
    answer = {"from_name": control, "type": "choices", "value": {**place, "choices": [str(code)]}}
    return {name: value for name, value in box.items() if name != "meta"} | answer
