"""Simulated people err as often as is said, and say what Label Studio's side accepts."""

from __future__ import annotations

import numpy as np
import pytest

from discloop.play.deciding import decide
from discloop.play.errors import READER, ErrorModel, read
from domain.boxes import Box
from domain.comparison import compare
from domain.confusion import READER_DECAY, confusion
from domain.disagreements import Subject
from domain.findings import Disc, Findings, Herniation, SliceBox
from domain.manifest import Slice
from domain.merging import prefill
from domain.taxonomy import HerniationType, Level, Plane, name_column
from labeling_configs.codec import (
    Kind,
    SliceSize,
    decode,
    decode_adjudication,
    encode_findings,
    encode_locked,
)

MATRIX = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0))
SLICES = tuple(
    Slice(path=f"studies/a/sagittal/{n:03d}.png", width=400, height=520, position=float(n), to_patient=MATRIX)
    for n in range(5)
)
SIZES = [SliceSize(s.width, s.height) for s in SLICES]
SURE = ErrorModel(grade_decay=1e-9, edge_shift=0.0, lesion_missed=0.0, column_named_wrong=0.0)


def truth(grades: tuple[int, ...] = (3, 3, 3, 3, 3)) -> Findings:
    boxes = [Box(x1=150, y1=430 - 90 * i, x2=250, y2=465 - 90 * i) for i in range(5)]
    discs = tuple(
        Disc(boxes=(SliceBox(slice=2, box=box),), level=level, pfirrmann=grade)
        for box, level, grade in zip(boxes, name_column(5, 1, Level.L5_S1), grades, strict=True)
    )
    beside = Box(x1=250, y1=435, x2=280, y2=460)
    herniation = Herniation(
        boxes=(SliceBox(slice=2, box=beside),), level=Level.L5_S1, type=HerniationType.PROTRUSION
    )
    return Findings(plane=Plane.SAGITTAL, discs=discs, herniations=(herniation,))


def test_grades_err_as_stated() -> None:
    rng = np.random.default_rng(1)
    said = [d.pfirrmann for _ in range(400) for d in read(truth(), SLICES, READER, rng).discs]
    right = sum(grade == 3 for grade in said) / len(said)
    assert right == pytest.approx(confusion(READER_DECAY)[2, 2], abs=0.03)


def test_lesions_are_missed_and_columns_misnamed_as_stated() -> None:
    rng = np.random.default_rng(2)
    readings = [read(truth(), SLICES, READER, rng) for _ in range(600)]
    missed = sum(not r.herniations for r in readings) / len(readings)
    shifted = sum(r.discs[0].level is not Level.L5_S1 for r in readings) / len(readings)
    assert missed == pytest.approx(READER.lesion_missed, abs=0.05)
    assert shifted == pytest.approx(READER.column_named_wrong, abs=0.02)


def test_without_errors_the_truth_is_read() -> None:
    assert read(truth(), SLICES, SURE, np.random.default_rng(3)) == truth()


@pytest.mark.parametrize("seed", range(20))
def test_a_reading_is_a_complete_answer(seed: int) -> None:
    said = read(truth(), SLICES, READER, np.random.default_rng(seed))
    found = decode(encode_findings(said, slices=SIZES), plane=Plane.SAGITTAL, slices=SIZES)
    assert [d.pfirrmann for d in found.discs] == [d.pfirrmann for d in said.discs]


@pytest.mark.parametrize("seed", range(20))
def test_an_adjudicators_answer_is_complete_and_near_the_truth(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (read(truth((1, 2, 3, 4, 5)), SLICES, READER, rng) for _ in range(2))
    comparison = compare(first, second, spacing=0.7)
    start = prefill(first, second, comparison)
    asked = {(Kind(subject.value), place) for subject, place in start.asked}
    shown = [
        *encode_locked(first, reader=1, slices=SIZES),
        *encode_locked(second, reader=2, slices=SIZES),
        *encode_findings(start.findings, slices=SIZES, asked=asked),
    ]
    answer = decide(shown, truth((1, 2, 3, 4, 5)), rng, SURE)
    said = decode_adjudication(answer, plane=Plane.SAGITTAL, slices=SIZES)
    decided = [i for i, disc in enumerate(start.findings.discs) if disc.pfirrmann is None]
    assert [said.findings.discs[i].pfirrmann for i in decided] == [i + 1 for i in decided]
    if (Subject.HERNIATION, 0) in start.asked:
        assert len(said.findings.herniations) == 1


def test_an_axial_column_named_two_ways_is_named_anew_whole() -> None:
    # The lowest disc's last box lies beside the one before it, as at the edge of a tilted disc.
    places = {Level.L5_S1: ((0, 85), (1, 122)), Level.L4_5: ((3, 80), (4, 82))}
    discs = tuple(
        Disc(
            boxes=tuple(SliceBox(slice=n, box=Box(x1=100, y1=y, x2=170, y2=y + 30)) for n, y in at),
            level=level,
        )
        for level, at in places.items()
    )
    first = Findings(plane=Plane.AXIAL, discs=discs)
    up = {Level.L5_S1: Level.L4_5, Level.L4_5: Level.L3_4}
    second = Findings(
        plane=Plane.AXIAL, discs=tuple(d.model_copy(update={"level": up[d.level]}) for d in discs if d.level)
    )
    start = prefill(first, second, compare(first, second, spacing=0.7))
    assert [disc.level for disc in start.findings.discs] == [None, None]
    answer = decide(encode_findings(start.findings, slices=SIZES), first, np.random.default_rng(1), SURE)
    said = decode_adjudication(answer, plane=Plane.AXIAL, slices=SIZES).findings
    assert [(disc.level, len(disc.boxes)) for disc in said.discs] == [(Level.L5_S1, 2), (Level.L4_5, 2)]
