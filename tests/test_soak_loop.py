"""The soak's own arithmetic: what counts as kept, as flat, as an error, and how it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak_loop import checks, evidence
from tests.soak_loop.people import Told, digest_of
from tests.soak_loop.watching import Sample, grave_lines, slopes

RESULT = [{"id": "a", "value": {"x": 1.0}}]
TOLD = Told("reader-1", "key", digest_of(RESULT), 0.0)


def row(key: str = "key") -> dict[str, object]:
    return {"task_key": key, "result": RESULT}


@pytest.mark.parametrize(
    ("rows", "wrong"), [([row()], 0), ([], 1), ([row(), row()], 1), ([row("another")], 1)]
)
def test_what_was_told_is_kept_once(rows: list[dict[str, object]], wrong: int) -> None:
    assert len(checks.told_is_kept([TOLD], rows).wrong) == wrong


def test_a_label_is_compared_with_what_was_said_last() -> None:
    rows = [
        {"kind": kind, "task_key": key, "number": number, "state": state}
        for kind, key, number, state in (
            ("reading", "a", 1, "signed"),
            ("reading", "b", 1, "signed"),
            ("adjudication", "c", 1, "signed"),
            ("reading", "a", 2, "signed"),
            ("reading", "b", 2, "quarantined"),
        )
    ]
    assert [(r["task_key"], r["number"]) for r in checks.newest(rows, "reading")] == [("a", 2), ("b", 1)]


def test_only_decisions_on_cases_taken_back_may_be_in_quarantine() -> None:
    rows = [
        {"outbox_id": n, "sha256": "", "task_key": key, "kind": kind, "state": state, "reason": None}
        for n, (key, kind, state) in enumerate(
            [
                ("a", "adjudication", "quarantined"),
                ("b", "adjudication", "quarantined"),
                ("c", "reading", "quarantined"),
            ]
        )
    ]
    entries = [{"id": row["outbox_id"], "sha256": ""} for row in rows]
    wrong = checks.outbox_is_ledger(entries, rows, {"b"}).wrong
    assert [one.split(" is ")[0] for one in wrong] == ["outbox 1", "outbox 2"]


def test_a_check_that_looked_at_nothing_does_not_hold() -> None:
    assert not checks.told_is_kept([], []).holds


def life(service: str, pid: int, *, per_hour: float, minutes: int, level: float = 500) -> list[Sample]:
    """A process's memory, with a leap in its first minutes."""
    leap = [0.0, 50.0, 80.0, 90.0, 95.0]
    return [
        Sample(60.0 * m, service, pid, level + (leap[m] if m < 5 else 100 + per_hour * m / 60))
        for m in range(minutes)
    ]


def test_slopes_are_those_within_lives_after_their_start() -> None:
    samples = life("backend", 1, per_hour=30, minutes=70) + life(
        "backend", 2, per_hour=30, minutes=60, level=300
    )
    samples += life("label-studio", 3, per_hour=400, minutes=45)
    found = slopes(samples, settled=0)
    assert found["backend"]["slope_mb_per_hour"] == pytest.approx(30, abs=0.1)
    assert (found["backend"]["lives"], found["backend"]["lives_used"]) == (2, 2)
    assert found["label-studio"]["slope_mb_per_hour"] is None
    assert [w.split(":")[0] for w in checks.memory_is_flat(found).wrong] == ["backend"]


def test_memory_may_grow_while_studies_arrive() -> None:
    growing = life("backend", 1, per_hour=80, minutes=80)
    settled = [Sample(60.0 * m, "backend", 1, growing[-1].rss_mb + m % 2) for m in range(80, 130)]
    found = slopes([*growing, *settled], settled=60.0 * 80)
    assert found["backend"]["slope_mb_per_hour"] > 40
    assert abs(found["backend"]["settled_mb_per_hour"]) < 1
    assert checks.memory_is_flat(found).holds


def test_errors_far_from_a_restart_are_not_explained(tmp_path: Path) -> None:
    (tmp_path / "backend.log").write_text(
        '{"event": "a", "level": "error", "timestamp": "2026-11-27T03:00:10.5Z"}\n'
        '{"event": "b", "level": "error", "timestamp": "2026-11-27T03:30:00.5Z"}\n'
        '{"event": "no error", "level": "info", "timestamp": "2026-11-27T03:30:01.5Z"}\n'
    )
    (tmp_path / "label-studio.log").write_text("[2026-11-27 03:00:20,1] [x] [ERROR] [-] down 17\n")
    at = 1795748400.0  # 2026-11-27T03:00:00Z
    found = grave_lines(tmp_path, [at])
    assert found["near_a_restart"] == {
        "backend.log: error a": 1,
        "label-studio.log: [N-N-N N:N:N,N] [x] [ERROR] [-] down N": 1,
    }
    assert found["unexplained"] == {"backend.log: error b": 1}


def test_a_soak_that_was_cut_off_says_so() -> None:
    report = {
        "state": "running", "commit": "c", "changed_files": 0, "seed": 1, "began": "now", "planned_s": 7200.0,
        "ran_s": 600, "cores_used": 0.5, "studies": 16, "shifts": 3, "told": 9, "troubles": [], "refused": [],
        "most_trainers_at_once": 0, "memory": {},
    }  # fmt: skip
    said = evidence.in_words(report)
    assert "Ran 10 of 120 minutes" in said
    assert "None: it was cut off before its end." in said


def test_what_explains_a_no_is_not_taken_for_a_fault() -> None:
    slices = "DiscLoopError: GET /discloop/slices/19/{}/11: 404"
    taken, kept = "A" * 24, "B" * 24
    refused = [
        {"who": "adjudicator-9@x.example", "at": 100.0, "what": slices.format(taken)},
        {"who": "adjudicator-9@x.example", "at": 100.0, "what": slices.format(kept)},
        {"who": "reader-1@x.example", "at": 100.0, "what": slices.format(taken)},
        {"who": "adjudicator-9@x.example", "at": 100.0, "what": "POST /api/tasks/7/annotations/: 404: {}"},
        {"who": "adjudicator-9@x.example", "at": 100.0, "what": "GET /api/tasks/8/: 403: {}"},
        {"who": "engineer", "at": 100.0, "what": f"POST /api/rounds: 409: {checks.NOTHING_YET}"},
        {"who": "reader-1@x.example", "at": 500.0, "what": "GET /api/tasks/: 403"},
    ]
    said = checks.nobody_was_refused(refused, [400.0], 9, {kept, "8"}).wrong
    assert said == (
        f"adjudicator-9@x.example: {slices.format(kept)}",
        f"reader-1@x.example: {slices.format(taken)}",
        "adjudicator-9@x.example: GET /api/tasks/8/: 403: {}",
    )
