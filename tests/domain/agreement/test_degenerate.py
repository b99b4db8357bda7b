"""Every statistic is a number or null with a reason, whatever the table."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.agreement import Readings, linear_kappa
from domain.agreement.estimates import NO_PAIR, ONE_PATIENT
from domain.errors import DiscLoopError
from tests.domain.agreement.tables import columns, from_pairs, quick


def statistics_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        found = [value] if "se_analytic" in value else []
        return found + [s for v in value.values() for s in statistics_in(v)]
    if isinstance(value, list):
        return [s for v in value for s in statistics_in(v)]
    return []


def assert_sound(readings: Readings) -> None:
    found = statistics_in(json.loads(quick(readings).model_dump_json()))
    assert found
    for s in found:
        assert all(v is None or math.isfinite(v) for k, v in s.items() if k != "reason")
        assert (s["value"] is not None and s["low"] is not None) or s["reason"]
        if s["low"] is not None:
            assert s["low"] <= s["high"]


def test_one_category() -> None:
    done = quick(from_pairs(*[(3, 3)] * 8))
    assert done.percent_agreement.value == 1
    assert done.kappa_linear.value is None
    assert "chance" in (done.kappa_linear.reason or "")
    assert done.ac1.value == 1
    assert done.alpha_ordinal.value is None


def test_one_patient_has_values_but_no_interval() -> None:
    done = quick(from_pairs((1, 1), (2, 3), (4, 4), (5, 5), one_patient=True))
    assert done.kappa_linear.value is not None
    assert done.kappa_linear.low is None
    assert done.kappa_linear.reason == ONE_PATIENT


def test_full_agreement_says_that_the_interval_has_no_width() -> None:
    done = quick(from_pairs(*[(g, g) for g in (1, 2, 3, 4, 5)] * 8))
    assert (done.kappa_linear.value, done.kappa_linear.low, done.kappa_linear.high) == (1, 1, 1)
    assert "no width" in (done.kappa_linear.reason or "")


def test_one_reader_and_readers_without_a_disc_in_common() -> None:
    alone = quick(from_pairs((1, None), (2, None)))
    assert alone.kappa_linear.reason == NO_PAIR
    assert any("one reader" in note for note in alone.notes)
    apart = quick(from_pairs((1, None), (None, 2)))
    assert apart.kappa_linear.reason == NO_PAIR
    assert (apart.n.paired, apart.n.union) == (0, 2)


def test_missing_readings_are_counted() -> None:
    done = quick(from_pairs((1, 1), (2, 2), (3, None), (4, 5)))
    assert (done.n.paired, done.n.union) == (3, 4)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(*[st.one_of(st.none(), st.integers(1, 5))] * 3).filter(any), min_size=1, max_size=12),
    st.integers(1, 4),
)
def test_any_small_table_is_sound(discs: list[tuple[int | None, ...]], patients: int) -> None:
    rows = [
        (f"p{i % patients}", f"s{i}", "L4/5", reader, grade)
        for i, grades in enumerate(discs)
        for reader, grade in zip("ABC", grades, strict=True)
        if grade is not None
    ]
    names = ("patient", "study", "level", "reader", "pfirrmann")
    assert_sound(Readings.from_columns({n: [r[i] for r in rows] for i, n in enumerate(names)}))


def test_a_rich_table_is_sound() -> None:
    assert_sound(
        Readings.from_columns(
            columns(
                24,
                4,
                arm=lambda p: ("unaided", "full")[p % 2],
                month=lambda p: f"2026-0{1 + p % 3}",
                site=lambda p: f"site {p % 2}",
                minutes=lambda p: 3.0 + p % 4,
                proposal=lambda p: 1 + p % 5,
            )
        )
    )


def test_linear_kappa_refuses_wrong_input() -> None:
    with pytest.raises(DiscLoopError, match="1 to 5"):
        linear_kappa([(1, 6)], ["a"])
    with pytest.raises(DiscLoopError, match="patient for each pair"):
        linear_kappa([(1, 2)], [])
    assert linear_kappa([], []).reason == NO_PAIR
