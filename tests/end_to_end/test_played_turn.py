"""`discloop demo --play`: one whole turn of the loop on real parts, by simulated people, amid power cuts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from discloop import cli
from discloop.play.label_studio import PersonAtLabelStudio
from discloop.play.turn import LEFT_UNREAD
from tests.end_to_end.killing import TRAINER, Killer
from tests.end_to_end.stack import Demo, running_demo
from tests.soaking import seed, times
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.soak]
STUDIES = 8
READ = STUDIES - LEFT_UNREAD
VICTIMS = (
    ["label-studio"] * 3,
    ["ml-backend"],
    ["backend", "backend", TRAINER, "backend", TRAINER, "ml-backend"],
)
"""Ten kills in a turn: each list in its order, side by side, at random moments; the backend schedules."""


@pytest.fixture(scope="module", params=range(times(in_test=1, in_soak=10)))
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Demo, dict[str, Any]]]:
    with running_demo(tmp_path_factory.mktemp("play"), "--studies", str(STUDIES), "--play") as demo:
        said = demo.home.root.parent / "demo.jsonl"

        def outcome() -> dict[str, Any] | None:
            assert demo.process.poll() is None, (demo.home.root.parent / "demo.log").read_text()[-3000:]
            lines = said.read_text().splitlines()
            return json.loads(lines[1]) if len(lines) > 1 else None

        killers = [
            Killer(demo, victims, seed=seed() + 10 * request.param + number)
            for number, victims in enumerate(VICTIMS)
        ]
        with ExitStack() as at_work:
            for killer in killers:
                at_work.enter_context(killer.at_work())
            outcome_of_turn = until(outcome, within_s=900, what="the turn played")
        assert [(killer.error, killer.killed) for killer in killers] == [(None, names) for names in VICTIMS]
        demo.wait_ready()
        yield demo, outcome_of_turn


def test_every_unit_is_read_twice_and_labelled_with_its_provenance(
    played: tuple[Demo, dict[str, Any]],
) -> None:
    demo, outcome = played
    assert outcome["simulated"] is True
    assert outcome["read"] == 2 * 2 * READ
    rows = [r for r in demo.client.get("/api/readings", limit=1000) if r["kind"] == "reading"]
    assert len({(row["reader"], row["task_key"]) for row in rows}) == len(rows)
    assert {row["state"] for row in rows} == {"signed"}
    # The adjudicator may have drawn units to read blank: how many is chance.
    read = Counter(row["reader"] for row in rows)
    (adjudicator,) = demo.of_role("adjudicator")
    blank = read.pop(adjudicator.id, 0)
    assert read == {one.id: 2 * READ for one in demo.of_role("reader")}
    stages = outcome["status"]
    assert stages["comparisons"]["done"] == stages["consensus"]["done"] == 2 * READ
    decided = stages["adjudications"]["done"]
    assert decided == stages["adjudications"]["total"] == outcome["adjudicated"] - blank
    assert decided > 0


def test_agreement_is_of_the_unaided_discs(played: tuple[Demo, dict[str, Any]]) -> None:
    _, outcome = played
    kappa = outcome["agreement"]["kappa_linear"]
    assert outcome["agreement"]["n"]["paired"] > 0
    if kappa["low"] is not None:
        assert kappa["low"] <= kappa["value"] <= kappa["high"]


def test_the_adjudicator_is_told_no_reader(played: tuple[Demo, dict[str, Any]]) -> None:
    demo, _ = played
    (adjudicator,) = demo.of_role("adjudicator")
    readers = demo.of_role("reader")
    with PersonAtLabelStudio(demo.label_studio, adjudicator.email, adjudicator.password) as person:
        seen = json.dumps([person.everything(project) for project in person.projects()])
    assert "Reader 1" in seen
    assert [word for one in readers for word in (one.id, one.email) if word in seen] == []


def test_the_round_is_judged_and_its_model_proposes_on_what_is_unread(
    played: tuple[Demo, dict[str, Any]],
) -> None:
    demo, outcome = played
    now = outcome["round"]
    assert len(demo.client.get("/api/rounds")) == 1
    assert now["state"] in ("promoted", "held"), now["error"]
    assert now["verdict"]["reason"]
    assert now["challenger"] != now["champion"]
    if now["state"] == "promoted":
        assert demo.client.get("/api/proposals")["model"] == now["challenger"]


@pytest.mark.parametrize("form", ["csv", "yolo", "coco", "dicom-sr"])
def test_the_consensus_is_exported(
    played: tuple[Demo, dict[str, Any]], form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    demo, _ = played
    code = cli.run(["export", form, str(tmp_path / "out"), "--home", str(demo.home.root), "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert json.loads(said.out)["written"] > 0
    assert any((tmp_path / "out").rglob("*"))
