from __future__ import annotations

import random

import pytest

from domain.comparison import compare
from domain.consensus import Decision, agree, decide
from domain.findings import Herniation, SliceBox
from domain.snapshots import Snapshot, SnapshotError, SnapshotItem, canonical, difference, make_item, weigh
from domain.taxonomy import Arm, Reason, Split
from tests.domain.columns import column, disc_box
from tests.domain.test_comparison import SPACING, with_disc


def item(
    number: int, *, grades: tuple[int, ...] = (1, 2, 3, 4, 5), split: Split = Split.TRAIN
) -> SnapshotItem:
    reading = column(5, random.Random(number), grades=grades, slices=(7, 8))
    lesion = Herniation(boxes=(SliceBox(slice=6, box=disc_box(0, random.Random(0))),))
    reading = reading.model_copy(update={"herniations": (lesion,)})
    label = agree(reading, reading, compare(reading, reading, spacing=SPACING))
    return make_item(
        label,
        study=f"study-{number}",
        patient=f"patient-{number}",
        split=split,
        slices=[f"studies/study-{number}/sagittal/{n:03d}.png" for n in range(12)],
        spacing=SPACING,
        arm=Arm.UNAIDED,
    )


def test_the_hash_names_the_content_whatever_the_order() -> None:
    items = [item(n) for n in range(5)]
    there, back = Snapshot.freeze(items, seed=1), Snapshot.freeze(reversed(items), seed=1)
    assert there == back
    assert there.sha256 != Snapshot.freeze(items, seed=2).sha256
    assert there.sha256 != Snapshot.freeze(items[:4], seed=1).sha256
    assert Snapshot.read(there.text()) == there


def test_built_again_from_the_same_labels_it_has_the_same_hash() -> None:
    first, again = (Snapshot.freeze(weigh([item(n) for n in range(4)]), seed=3) for _ in range(2))
    assert first is not again
    assert first.sha256 == again.sha256
    aided = [one.model_copy(update={"arm": Arm.FULL}) for one in first.items]
    assert Snapshot.freeze(aided, seed=3).sha256 != first.sha256


def test_a_changed_snapshot_is_refused() -> None:
    text = Snapshot.freeze([item(1)], seed=1).text()
    with pytest.raises(SnapshotError, match="names content"):
        Snapshot.read(text.replace('"pfirrmann":3', '"pfirrmann":4'))
    with pytest.raises(SnapshotError, match="not a snapshot"):
        Snapshot.read(text[:-20])


def test_an_item_holds_what_training_needs() -> None:
    made = item(3)
    assert [(d.index, d.pfirrmann, d.slice) for d in made.discs] == [(i, i, 7) for i in range(1, 6)]
    assert made.discs[0].soft is not None
    assert [lesion.slice for lesion in made.herniations] == [6]
    assert '"schema":1' in Snapshot.freeze([made], seed=1).text()


def test_rare_grades_weigh_more_within_bounds_and_only_in_training() -> None:
    common = [item(n, grades=(3, 3, 3, 3, 3)) for n in range(40)]
    weighed = weigh([*common, item(50), item(51, split=Split.VAL)])
    by_grade = {d.pfirrmann: d.weight for d in weighed[40].discs}
    assert by_grade[1] == 3.0
    assert by_grade[3] == 0.5
    assert {d.weight for d in weighed[41].discs} == {1.0}


def test_a_dispute_about_the_criterion_weighs_more() -> None:
    first = column(5, random.Random(0), grades=(3, 3, 3, 3, 3))
    second = with_disc(with_disc(first, 0, pfirrmann=4), 1, pfirrmann=4)
    final = Decision(findings=first, discs={0: Reason.CRITERION, 1: Reason.ARTEFACT})
    label = decide(first, second, compare(first, second, spacing=SPACING), final)
    made = make_item(
        label,
        study="study-1",
        patient="patient-1",
        split=Split.TRAIN,
        slices=["studies/s/sagittal/000.png"],
        spacing=1,
        arm=Arm.FULL,
    )
    assert [d.weight for d in made.discs] == [1.5, 1.0, 1.0, 1.0, 1.0]


def test_two_snapshots_are_compared_by_label_not_by_weight() -> None:
    older = Snapshot.freeze([item(1), item(2), item(3)], seed=1)
    newer = Snapshot.freeze(weigh([item(2), item(3, grades=(2, 2, 3, 4, 5)), item(4)]), seed=2)
    changes = difference(older, newer)
    assert changes.added == ("study-4/sagittal",)
    assert changes.removed == ("study-1/sagittal",)
    assert changes.changed == ("study-3/sagittal",)


def test_canonical_json_refuses_what_is_no_number() -> None:
    assert canonical({"b": 1, "a": [1.5, "ü"]}) == '{"a":[1.5,"\\u00fc"],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})
