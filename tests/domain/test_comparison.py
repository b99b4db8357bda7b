from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.boxes import Box
from domain.comparison import compare
from domain.disagreements import Comparison, Subject
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.taxonomy import (
    DisagreementKind,
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    Plane,
    Quality,
)
from tests.domain.columns import column

SPACING = 0.6


def kinds(comparison: Comparison) -> list[str]:
    return [d.key for d in comparison.disagreements]


def with_disc(findings: Findings, place: int, **changes: object) -> Findings:
    discs = list(findings.discs)
    discs[place] = discs[place].model_copy(update=changes)
    return findings.model_copy(update={"discs": tuple(discs)})


def box(x: float, y: float, width: float, height: float | None = None, slice_: int = 7) -> SliceBox:
    return SliceBox(slice=slice_, box=Box(x1=x, y1=y, x2=x + width, y2=y + (height or width)))


@pytest.fixture
def reading() -> Findings:
    return column(5, random.Random(0))


def test_equal_readings_agree(reading: Findings) -> None:
    comparison = compare(reading, reading, spacing=SPACING)
    assert comparison.agrees
    assert comparison.severity == 0
    assert [(p.position, p.first, p.second) for p in comparison.discs] == [(i + 1, i, i) for i in range(5)]


def test_a_grade_differs_with_its_distance(reading: Findings) -> None:
    comparison = compare(reading, with_disc(reading, 1, pfirrmann=5), spacing=SPACING)
    (found,) = comparison.disagreements
    assert (found.kind, found.position, found.level, found.distance) == ("grade", 2, Level.L4_5, 2)
    assert (found.first, found.second) == ("3", "5")


def test_the_farther_apart_the_graver(reading: Findings) -> None:
    by_grade = [
        compare(reading, with_disc(reading, 0, pfirrmann=g), spacing=SPACING).severity for g in (3, 4, 5)
    ]
    assert by_grade == sorted(set(by_grade))


def test_not_gradable_against_a_grade(reading: Findings) -> None:
    other = with_disc(reading, 0, pfirrmann=None, not_gradable=NotGradable.CUT)
    (found,) = compare(reading, other, spacing=SPACING).disagreements
    assert (found.kind, found.first, found.second) == ("gradability", "3", "not gradable: cut")
    both = with_disc(reading, 0, pfirrmann=None, not_gradable=NotGradable.ARTEFACT)
    assert compare(both, other, spacing=SPACING).agrees


def test_a_disc_only_one_reader_boxed(reading: Findings) -> None:
    short = reading.model_copy(update={"discs": reading.discs[1:]})
    assert kinds(compare(reading, short, spacing=SPACING)) == ["presence:disc:1"]


def test_one_disc_named_otherwise_is_a_level_not_a_shift(reading: Findings) -> None:
    (found,) = compare(reading, with_disc(reading, 0, level=Level.S1_2), spacing=SPACING).disagreements
    assert (found.kind, found.distance) == ("level", 1)


def test_a_shifted_column_is_one_disagreement_and_what_else_differs_stays(reading: Findings) -> None:
    shifted = with_disc(column(5, random.Random(1), shift=1), 2, pfirrmann=4)
    comparison = compare(reading, shifted, spacing=SPACING)
    assert kinds(comparison) == ["level_shift:column", "grade:disc:3"]
    assert comparison.disagreements[0].distance == -1


def test_unit_flags(reading: Findings) -> None:
    other = reading.model_copy(update={"transitional": True, "quality": Quality.UNREADABLE})
    found = compare(reading, other, spacing=SPACING).disagreements
    assert {(d.kind.value, d.subject.value) for d in found} == {
        ("transitional", "unit"),
        ("gradability", "unit"),
    }


def test_loose_disc_boxes_differ_in_extent() -> None:
    tight = Findings(plane=Plane.SAGITTAL, discs=(Disc(boxes=(box(0, 0, 60, 20),), pfirrmann=2),))
    loose = Findings(plane=Plane.SAGITTAL, discs=(Disc(boxes=(box(0, 0, 60, 45),), pfirrmann=2),))
    assert kinds(compare(tight, loose, spacing=SPACING)) == ["extent:disc:1"]


def lesions(reading: Findings, *marks: Herniation | Hiz) -> Findings:
    return reading.model_copy(
        update={
            "herniations": tuple(m for m in marks if isinstance(m, Herniation)),
            "hiz": tuple(m for m in marks if isinstance(m, Hiz)),
        }
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([Herniation(boxes=(box(205, 405, 10),))], [], ["presence:herniation:1"]),
        ([Herniation(boxes=(box(205, 405, 10),))], [Herniation(boxes=(box(207, 407, 10),))], []),
        (
            [Herniation(boxes=(box(205, 405, 10),))],
            [Herniation(boxes=(box(205, 405, 10, slice_=8),))],
            [],
        ),
        (
            [Hiz(boxes=(box(205, 405, 5),), side=HizSide.POSTERIOR)],
            [Hiz(boxes=(box(150, 405, 5),), side=HizSide.ANTERIOR)],
            ["location:hiz:1"],
        ),
        (
            [Hiz(boxes=(box(205, 405, 5),), side=HizSide.POSTERIOR)],
            [Hiz(boxes=(box(205, 405, 5),), side=HizSide.ANTERIOR)],
            ["location:hiz:1"],
        ),
        (
            [Herniation(boxes=(box(205, 405, 8),))],
            [Herniation(boxes=(box(200, 400, 25),))],
            ["extent:herniation:1"],
        ),
        (
            [Herniation(boxes=(box(205, 405, 8),), type=HerniationType.PROTRUSION)],
            [Herniation(boxes=(box(205, 405, 8),), type=HerniationType.EXTRUSION)],
            ["extent:herniation:1"],
        ),
        (
            [Herniation(boxes=(box(205, 405, 8),), type=HerniationType.PROTRUSION)],
            [Herniation(boxes=(box(205, 405, 8),), type=HerniationType.INDETERMINATE)],
            [],
        ),
        (
            [Herniation(boxes=(box(205, 405, 8),)), Herniation(boxes=(box(205, 295, 8),))],
            [Herniation(boxes=(box(205, 405, 8),))],
            ["presence:herniation:3"],
        ),
    ],
)
def test_lesions(
    reading: Findings,
    first: list[Herniation | Hiz],
    second: list[Herniation | Hiz],
    expected: list[str],
) -> None:
    ours, theirs = lesions(reading, *first), lesions(reading, *second)
    assert kinds(compare(ours, theirs, spacing=SPACING)) == expected
    assert kinds(compare(theirs, ours, spacing=SPACING)) == expected


def test_readings_without_discs_compare_their_lesions() -> None:
    empty = Findings(plane=Plane.SAGITTAL)
    marked = lesions(empty, Herniation(boxes=(box(1, 1, 9),)))
    assert kinds(compare(empty, marked, spacing=SPACING)) == ["presence:herniation"]


def test_planes_must_be_the_same(reading: Findings) -> None:
    with pytest.raises(ValueError, match="one plane"):
        compare(reading, Findings(plane=Plane.AXIAL), spacing=SPACING)


@given(
    st.integers(0, 2**32),
    st.integers(1, 7),
    st.integers(-1, 1),
    st.sets(st.integers(0, 6), max_size=3),
    st.lists(st.integers(1, 5), min_size=7, max_size=7),
)
@settings(max_examples=150)
def test_the_order_of_the_readers_does_not_matter(
    seed: int, count: int, shift: int, missing: set[int], grades: list[int]
) -> None:
    random_ = random.Random(seed)
    first = column(count, random_, jitter=4, grades=tuple(grades))
    second = column(count, random_, jitter=4, shift=shift, missing=frozenset(missing))
    there, back = compare(first, second, spacing=SPACING), compare(second, first, spacing=SPACING)
    assert [(d.key, d.first, d.second, d.severity) for d in there.disagreements] == [
        (d.key, d.second, d.first, d.severity) for d in back.disagreements
    ]
    keys = kinds(there)
    assert len(set(keys)) == len(keys)


def noisy_pair(random_: random.Random, shift: int) -> tuple[Findings, Findings]:
    """Two readings with jitter, discs left out, grades that differ and now and then one wrong name."""
    count = random_.randint(4, 7)
    readings = []
    for step in (0, shift):
        gone = frozenset(i for i in range(count) if random_.random() < 0.1)
        slices = tuple(random_.sample((6, 7, 8), random_.randint(1, 2)))
        grades = tuple(random_.randint(1, 5) for _ in range(count))
        reading = column(count, random_, shift=step, jitter=4, missing=gone, slices=slices, grades=grades)
        if reading.discs and random_.random() < 0.1:
            place = random_.randrange(len(reading.discs))
            reading = with_disc(reading, place, level=random_.choice(list(Level)))
        readings.append(reading)
    return readings[0], readings[1]


def test_shifted_columns_are_named_and_others_are_not() -> None:
    random_ = random.Random(20)
    named = {0: 0, 1: 0}
    for off, _ in product(named, range(1000)):
        comparison = compare(*noisy_pair(random_, off * random_.choice((-1, 1))), spacing=SPACING)
        shifts = [d for d in comparison.disagreements if d.kind is DisagreementKind.LEVEL_SHIFT]
        assert all(d.subject is Subject.COLUMN for d in shifts)
        named[off] += len(shifts) == 1
    assert named[1] >= 950
    assert named[0] < 10
