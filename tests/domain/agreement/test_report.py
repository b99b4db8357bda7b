"""The sections of the report."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from domain.agreement import DuplicateReadingError, Readings, arm_effects, linear_kappa
from domain.agreement.bootstrap import bootstrap_p, holm
from domain.agreement.charts import forest, heat_map, trend
from domain.agreement.estimates import tail
from domain.agreement.page import page
from tests.domain.agreement.tables import columns, from_pairs, quick


def readings(patients: int = 40, readers: int = 2, **more: Any) -> Readings:
    return Readings.from_columns(columns(patients, readers, **more))


def test_interval_is_the_percentile_over_patients() -> None:
    """Against resampling written out with scikit-learn's kappa, patient by patient."""
    table = columns(30)
    done = linear_kappa(
        list(zip(table["pfirrmann"][0::2], table["pfirrmann"][1::2], strict=True)),
        table["patient"][0::2],
        resamples=400,
        seed=5,
    )
    grades = np.array(table["pfirrmann"]).reshape(30, 5, 2)
    rng = np.random.default_rng(5)
    drawn = [grades[rng.integers(0, 30, 30)].reshape(-1, 2) for _ in range(400)]
    kappas = [cohen_kappa_score(d[:, 0], d[:, 1], weights="linear", labels=[1, 2, 3, 4, 5]) for d in drawn]
    low, high = np.quantile(kappas, [tail(30), 1 - tail(30)])
    assert [done.low, done.high] == pytest.approx([low, high])
    assert done.se == pytest.approx(np.std(kappas, ddof=1))


def test_same_seed_same_report() -> None:
    table = readings()
    assert quick(table) == quick(table)
    assert quick(table, seed=2).kappa_linear != quick(table).kappa_linear


def test_order_of_rows_does_not_matter() -> None:
    table = columns(20)
    order = np.random.default_rng(0).permutation(len(table["patient"]))
    shuffled = {name: [values[i] for i in order] for name, values in table.items()}
    assert quick(Readings.from_columns(shuffled)) == quick(Readings.from_columns(table))


def test_first_revision_and_first_occasion_count() -> None:
    rows = [
        ("A", 3, 1, 1),
        ("A", 5, 1, 2),
        ("A", 4, 2, 1),
        ("B", 3, 1, 1),
    ]
    table = Readings.from_columns(
        {
            "patient": ["p"] * 4,
            "study": ["s"] * 4,
            "level": ["L4/5"] * 4,
            "reader": [r[0] for r in rows],
            "pfirrmann": [r[1] for r in rows],
            "occasion": [r[2] for r in rows],
            "revision": [r[3] for r in rows],
        }
    )
    done = quick(table)
    assert done.percent_agreement.value == 1
    assert (done.source.later_revisions, done.source.repeats) == (1, 1)
    own = done.within_reader.readers[0]
    assert (own.reader, own.agreement.percent_agreement.value, own.mean_signed_difference.value) == (
        "A",
        0,
        1,
    )


def test_duplicates_are_refused() -> None:
    table = columns(2)
    doubled = {name: [*values, values[3]] for name, values in table.items()}
    with pytest.raises(DuplicateReadingError) as caught:
        Readings.from_columns(doubled)
    assert caught.value.rows == (3, 20)


def test_headline_is_the_unaided_arm() -> None:
    table = readings(40, arm=lambda p: ("unaided", "boxes", "full")[p % 3])
    done = quick(table)
    assert (done.settings.arm, done.n.patients) == ("unaided", 14)
    assert {s.name for b in done.breakdowns if b.by == "arm" for s in b.strata} == {
        "unaided",
        "boxes",
        "full",
    }
    assert quick(table, arm="all").n.patients == 40


def test_random_share_alone_carries_the_headline() -> None:
    done = quick(readings(20, random_share=lambda p: p % 2))
    assert done.n.patients == 10
    assert "random share" in done.settings.share


def test_inclusion_probability_weights_the_discs() -> None:
    pairs = [(1, 1)] * 10 + [(1, 2)] * 10
    table = from_pairs(*pairs)
    names = ("patient", "study", "level", "reader", "pfirrmann")
    rows = [
        (f"p{i}", f"s{i}", "L4/5", r, g) for i, p in enumerate(pairs) for r, g in zip("AB", p, strict=True)
    ]
    columns_: dict[str, list[Any]] = {n: [row[i] for row in rows] for i, n in enumerate(names)}
    columns_["inclusion_probability"] = [0.25] * 20 + [0.75] * 20
    assert quick(table).percent_agreement.value == 0.5
    assert quick(Readings.from_columns(columns_)).percent_agreement.value == pytest.approx(0.75)


def test_arm_effect_is_by_patient() -> None:
    table = columns(40, arm=lambda p: ("unaided", "full")[p % 2], minutes=lambda p: 5.0 - 2 * (p % 2))
    table["proposal"] = [
        g if arm == "full" else 1 + g % 5 for g, arm in zip(table["pfirrmann"], table["arm"], strict=True)
    ]
    effect = quick(Readings.from_columns(table)).arms[0]
    assert (effect,) == arm_effects(Readings.from_columns(table), resamples=200)
    assert (effect.arm, effect.patients, effect.unaided_patients) == ("full", 20, 20)
    assert effect.matches_proposal.value == 1
    assert effect.minutes.value == pytest.approx(-2)
    assert effect.herniations_missed.value is None


def test_an_arm_that_was_not_drawn_is_left_out_of_its_effect() -> None:
    arms = {0: "unaided", 1: "full", 2: "unaided"}
    table = columns(
        60,
        arm=lambda p: arms[p % 3],
        arm_drawn=lambda p: int(p % 3 < 2),
        minutes=lambda p: (5.0, 3.0, 99.0)[p % 3],
    )
    effect = quick(Readings.from_columns(table)).arms[0]
    assert (effect.patients, effect.unaided_patients) == (20, 20)
    assert effect.minutes.value == pytest.approx(-2)


def with_model(patients: int = 30) -> Readings:
    table = columns(patients, 3)
    table["role"] = [{"C": "model"}.get(r, "reader") for r in table["reader"]]
    return Readings.from_columns(table)


def test_model_is_set_against_readers_not_among_them() -> None:
    done = quick(with_model())
    assert done.source.readers == ("A", "B")
    assert [(r.first, r.second) for r in done.model_against_readers] == [("C", "A"), ("C", "B")]
    ceiling = done.ceilings[0]
    kappas = [r.agreement.kappa_linear.value or 0 for r in done.model_against_readers]
    assert ceiling.model_reader.value == pytest.approx(np.mean(kappas), abs=0.01)
    assert ceiling.reader_reader.value == pytest.approx(done.kappa_linear.value)


def test_consensus_of_the_readers_is_not_independent() -> None:
    table = columns(20, 3)
    table["role"] = [{"C": "consensus"}.get(r, "reader") for r in table["reader"]]
    done = quick(Readings.from_columns(table))
    assert [r.independent for r in done.readers_against_consensus] == [False, False]
    assert "not independent" in done.readers_against_consensus[0].note


def test_many_readers_have_pairs_pooled_figures_and_profiles() -> None:
    done = quick(readings(30, 4))
    assert len(done.pairs) == 6
    assert done.pooled_pairs is not None
    fixed, drawn = (
        done.pooled_pairs.readers_fixed.kappa_linear,
        done.pooled_pairs.readers_resampled.kappa_linear,
    )
    assert fixed.value == drawn.value
    assert (drawn.se or 0) > 0
    assert done.kappa_linear.value == pytest.approx(fixed.value, abs=0.02)
    assert all(r.leave_one_out.value is not None for r in done.readers)
    family = [c for c in done.comparisons if c.family == "pair of readers"]
    assert not family or all((c.p_holm or 0) >= (c.p or 0) for c in family)


def test_drift_is_flagged() -> None:
    table = columns(240, month=lambda p: f"2026-{1 + p // 40:02d}")
    late = [m == "2026-05" for m in table["month"]]
    table["pfirrmann"] = [
        1 + (g + 2) % 5 if bad and r == "B" else g
        for g, bad, r in zip(table["pfirrmann"], late, table["reader"], strict=True)
    ]
    drift = quick(Readings.from_columns(table)).drift
    assert drift.drifting
    assert next(p for p in drift.points if p.month == "2026-05").flag == "below the limits"
    assert trend(drift).startswith("<svg")


def test_levels_are_compared_on_the_same_resamples() -> None:
    done = quick(readings(30))
    levels = [c for c in done.comparisons if c.family == "level"]
    assert len(levels) == 10
    by_name = {
        s.name: s.kappa_linear.value or 0 for b in done.breakdowns if b.by == "level" for s in b.strata
    }
    first = levels[0]
    assert first.difference.value == pytest.approx(by_name[first.first] - by_name[first.second])


def test_index_matches_and_level_is_reported_beside() -> None:
    table = columns(20)
    table["index"] = [5 - ("L1/2", "L2/3", "L3/4", "L4/5", "L5/S1").index(v) for v in table["level"]]
    shift = {"L1/2": "T12/L1", "L2/3": "L1/2", "L3/4": "L2/3", "L4/5": "L3/4", "L5/S1": "L4/5"}
    table["level"] = [
        shift[v] if r == "B" and p == "p0" else v
        for v, r, p in zip(table["level"], table["reader"], table["patient"], strict=True)
    ]
    done = quick(Readings.from_columns(table))
    assert done.settings.matched_by == "index"
    assert done.n.paired == 100
    assert done.by_named_level is not None
    assert done.by_named_level.n.paired == 99


def test_not_gradable_stays_in_the_table() -> None:
    table = columns(10)
    table["gradable"] = [1] * len(table["reader"])
    table["pfirrmann"][0], table["gradable"][0] = None, 0
    done = quick(Readings.from_columns(table))
    assert sum(done.table_with_missing.counts[5]) == 1
    assert done.gradability.n.paired == 50
    assert done.n.paired == 49


def test_blank_finding_is_not_absent() -> None:
    table = columns(10)
    table["herniation"] = [None if i < 40 else v for i, v in enumerate(table["herniation"])]
    assert quick(Readings.from_columns(table)).herniation.n.paired == 30


def test_holm_and_bootstrap_p() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert bootstrap_p(np.ones(199)) == pytest.approx(0.01)
    assert bootstrap_p(np.array([-1.0, 1.0] * 100)) == 1


def test_charts_have_words_and_escape_names() -> None:
    table = columns(12)
    table["reader"] = [f"<b>{r}</b>" for r in table["reader"]]
    done = quick(Readings.from_columns(table))
    html = page(done, title="<script>x</script>")
    assert "<script" not in html
    assert "<b>" not in html
    assert html.count("<svg") == html.count("<title id=") == html.count("<desc id=")
    assert "http://" not in html.replace("http://www.w3.org/2000/svg", "")
    linked = heat_map(done.table, link=lambda i, j: f"/cell?{i}&{j}" if i != j else None)
    assert linked.count("<a href=") == 20
    assert "&amp;" in linked
    assert forest([("x", done.kappa_linear)]).count("<rect") == 1
