"""A reader reads some patients twice, and cannot tell which."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.worklists.provisioning import CHUNK
from backend.worklists.repeats import LEAST, SHARE, draw_repeats, wanted
from backend.worklists.tables import Assignment
from domain.taxonomy import Arm, Role
from tests.backend.loop import TO_CONSENSUS, read_all, task_of
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

DIFFERS = "study-0001-sagittal"
ARMS_DIFFER = 2
"""A seed that gives the four patients more than one arm."""


@pytest.mark.parametrize(("read", "count"), [(0, 0), (10, 10), (30, 30), (600, 30), (601, 31), (2000, 100)])
def test_a_twentieth_or_at_least_thirty(read: int, count: int) -> None:
    assert (SHARE, LEAST) == (0.05, 30)
    assert wanted(read) == count


@given(
    seed=st.integers(0, 2**31 - 1),
    read=st.integers(0, 900),
    repeated=st.integers(0, 60),
    most=st.none() | st.integers(0, 50),
)
def test_each_patient_once_and_never_more_than_wanted(
    seed: int, read: int, repeated: int, most: int | None
) -> None:
    eligible = [f"patient-{n}" for n in range(repeated, read)]
    drawn = draw_repeats(eligible, seed=seed, reader="a", read=read, repeated=repeated, most=most)
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= set(eligible)
    limits = [len(eligible), max(0, wanted(read) - repeated)] + ([] if most is None else [most])
    assert len(drawn) == min(limits)


def test_every_reader_has_another_draw() -> None:
    eligible = [f"patient-{n}" for n in range(900)]
    one, other = (
        draw_repeats(eligible, seed=1, reader=reader, read=900, repeated=0) for reader in ("a", "b")
    )
    assert len(one) == len(other) == 45
    assert set(one) != set(other)


def repeats(workplace: Workplace) -> list[Assignment]:
    return [one for one in workplace.assignments() if one.occasion > 1]


def read_long_ago(workplace: Workplace, days: float = 29) -> None:
    """Four studies read by both, one of them differently; then the days pass."""
    workplace.clock.now = datetime.now(UTC)
    workplace.add_person(Role.ADJUDICATOR, "adjudicator")
    workplace.ready(*(a_study(number, axial=False) for number in range(1, 5)), seed=ARMS_DIFFER)
    read_all(workplace, {DIFFERS: (3, 5, 3, 2, 1)})
    workplace.work(*TO_CONSENSUS)
    workplace.clock.turn(days=days)


def test_nothing_is_given_again_within_the_washout(workplace: Workplace) -> None:
    read_long_ago(workplace, days=27)
    assert workplace.plan().plan is None
    assert not repeats(workplace)


def test_repeats_hide_among_the_new(workplace: Workplace) -> None:
    read_long_ago(workplace)
    workplace.ingest(*(a_study(number, axial=False) for number in range(5, 15)))
    before = {one.key: (one.project, one.position) for one in workplace.assignments()}
    workplace.plan(seed=4)
    found = repeats(workplace)
    # Both readers, the three patients that nobody was asked to decide.
    assert sorted({one.unit for one in found}) == [f"study-{n:04d}-sagittal" for n in (2, 3, 4)]
    assert len(found) == 6
    for project in {one.project for one in found}:
        mine = [
            one for one in workplace.assignments() if one.project == project and one.plan == found[0].plan
        ]
        assert [one.occasion for one in mine] != sorted(one.occasion for one in mine)
    after = {one.key: (one.project, one.position) for one in workplace.assignments()}
    assert before.items() <= after.items()
    workplace.plan(seed=5)
    assert len(repeats(workplace)) == 6


def test_without_new_studies_all_that_is_due_is_given(workplace: Workplace) -> None:
    read_long_ago(workplace)
    assert workplace.plan(seed=4).assignments == 6
    assert workplace.plan(seed=5).plan is None


def test_a_repeats_task_is_the_first_one_but_for_its_key(workplace: Workplace) -> None:
    read_long_ago(workplace)
    workplace.plan(seed=4)
    workplace.work("provisioning")
    first = {(one.unit, one.reader): one for one in workplace.assignments() if one.occasion == 1}
    found = repeats(workplace)
    assert len(found) <= CHUNK
    assert {one.arm for one in found} > {Arm.UNAIDED}
    for one in found:
        original = first[one.unit, one.reader]
        told, before = task_of(workplace, one.key), task_of(workplace, original.key)
        assert one.key != original.key
        assert told.model_dump_json().replace(one.key, original.key) == before.model_dump_json()
        assert set(told.data) == {"key", "slices", "open"}
        keys = [workplace.settings.keys / f"{key}.json" for key in (one.key, original.key)]
        assert keys[0].read_text() == keys[1].read_text()
