from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from backend.access import Actor
from backend.agreement.places import Places
from backend.agreement.rows import COLUMNS, cells
from backend.agreement.service import Figures, UnitFigures
from backend.jobs.runner import FAILED, IDLE
from backend.models.tables import Generation
from backend.rounds import repository, service
from backend.rounds.policy import agreement_drop
from backend.rounds.tables import Look, Round
from domain.policy import LoopState, TriggerPolicy, round_is_due
from domain.rounds import RUNNING, RoundState
from domain.taxonomy import Arm, Role
from tests.backend.loop import read_all
from tests.backend.rounds.conftest import (
    POLICY,
    label_studies,
    stub_settings,
    the_round,
    wait_until,
)
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace, csrf_of

BY = Actor(id="api", name="API", role=Role.ENGINEER)
NOWHERE = Places(Arm.UNAIDED, True, {}, {})


def ended(workplace: Workplace, round_id: str) -> bool:
    return the_round(workplace, round_id).ended_at is not None


def queue_round(client: TestClient) -> str:
    round_id: str = client.post("/api/rounds").raise_for_status().json()["id"]
    client.post(f"/api/rounds/{round_id}/approve").raise_for_status()
    client.post(f"/api/rounds/{round_id}/start").raise_for_status()
    return round_id


def step(workplace: Workplace) -> None:
    assert workplace.job("rounds") is not FAILED


def carry_on(workplace: Workplace, round_id: str) -> Round:
    wait_until(lambda: ended(workplace, round_id), lambda: step(workplace), "the round does not end")
    return the_round(workplace, round_id)


def test_a_round_trains_is_judged_promoted_and_rolled_back(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = queue_round(client)
    row = carry_on(workplace, round_id)
    assert row.state is RoundState.PASSED, row.verdict or row.error
    assert row.challenger is not None
    shown = client.get(f"/api/rounds/{round_id}").json()
    assert shown["verdict"]["outcome"] == "passed"
    assert shown["progress"]["epoch"] == 5
    assert len(shown["history"]) == 5

    client.post(f"/api/rounds/{round_id}/promote").raise_for_status()
    assert (workplace.settings.weights / row.challenger / "weights.pt").is_file()
    workplace.work("replicas")
    assert workplace.fakes.ml_backend.version == row.challenger
    models = client.get("/api/models").json()
    assert (models["active"]["version"], models["active"]["number"]) == (row.challenger, 1)
    assert models["replicas"][0]["generation"] == 1

    client.post(f"/api/rounds/{round_id}/rollback").raise_for_status()
    workplace.work("replicas")
    assert workplace.fakes.ml_backend.version == "model-1"
    assert the_round(workplace, round_id).state is RoundState.ROLLED_BACK
    generations = workplace.rows(select(Generation).order_by(col(Generation.number)))
    assert [(g.number, g.reason) for g in generations] == [(0, "first"), (1, "promotion"), (2, "rollback")]


def test_after_promotion_unread_units_are_proposed_anew(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    workplace.work("proposals")
    asked = len(workplace.fakes.ml_backend.asked)
    round_id = queue_round(client)
    carry_on(workplace, round_id)
    client.post(f"/api/rounds/{round_id}/promote").raise_for_status()
    workplace.work("replicas", "proposals")
    assert len(workplace.fakes.ml_backend.asked) == 2 * asked


def test_the_snapshot_is_frozen_at_approval(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = client.post("/api/rounds").json()["id"]
    approved = client.post(f"/api/rounds/{round_id}/approve").json()
    file = workplace.settings.rounds / round_id / "snapshot" / "snapshot.json"
    assert json.loads(file.read_text())["sha256"] == approved["snapshot"]
    assert approved["summary"]["patients"] == {"test": 12, "train": 3}
    assert client.post(f"/api/rounds/{round_id}/approve").status_code == 400


def test_the_shift_of_aided_readings_is_measured_after_the_approval(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.ready(*(a_study(n, axial=False) for n in range(1, 13)))
    read_all(workplace)
    workplace.work("outbox", "comparisons")
    round_id = client.post("/api/rounds").json()["id"]
    approved = client.post(f"/api/rounds/{round_id}/approve").raise_for_status().json()
    assert approved["summary"]["shift"] is None
    html = {"accept": "text/html"}
    assert "is being measured" in client.get(f"/rounds/{round_id}", headers=html).text
    workplace.work("round_shift")
    shift = client.get(f"/api/rounds/{round_id}").json()["summary"]["shift"]
    told = client.get("/api/agreement", params={"arm": "all"}).json()
    assert shift == {effect["arm"]: effect["matches_proposal"] for effect in told["arms"]}
    assert any(one["value"] is not None for one in shift.values())
    assert "is being measured" not in client.get(f"/rounds/{round_id}", headers=html).text
    assert workplace.job("round_shift") == IDLE


def test_without_readings_there_is_no_shift(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = queue_round(client)
    workplace.work("round_shift")
    assert client.get(f"/api/rounds/{round_id}").json()["summary"]["shift"] == {}


def test_a_changed_snapshot_fails_the_round(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = queue_round(client)
    file = workplace.settings.rounds / round_id / "snapshot" / "snapshot.json"
    file.write_text(file.read_text().replace('"seed":', '"seed":1'))
    row = carry_on(workplace, round_id)
    assert row.state is RoundState.FAILED
    assert row.error is not None
    assert "snapshot" in row.error
    assert not (workplace.settings.rounds / round_id / "training").exists()


def test_an_equal_model_is_held_and_cannot_be_promoted(workplace: Workplace, client: TestClient) -> None:
    workplace.settings.__dict__.update(stub_settings(workplace.settings, train="--skill 0.4").__dict__)
    label_studies(workplace)
    round_id = queue_round(client)
    assert carry_on(workplace, round_id).state is RoundState.HELD
    refused = client.post(f"/api/rounds/{round_id}/promote")
    assert refused.status_code == 400
    assert "only a passed round" in refused.json()["error"]["message"]
    assert client.get("/api/models").json()["active"]["number"] == 0


def test_a_failing_trainer_fails_the_round_with_its_last_words(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.settings.__dict__.update(stub_settings(workplace.settings, train="--fail").__dict__)
    label_studies(workplace)
    round_id = queue_round(client)
    row = carry_on(workplace, round_id)
    assert row.state is RoundState.FAILED
    assert row.error == "training ended with code 3: the trainer ran out of luck"
    workplace.settings.__dict__.update(stub_settings(workplace.settings).__dict__)
    (workplace.settings.rounds / round_id / "training.exit").unlink()
    client.post(f"/api/rounds/{round_id}/start").raise_for_status()
    assert carry_on(workplace, round_id).state is RoundState.PASSED


def test_a_running_round_is_cancelled(workplace: Workplace, client: TestClient) -> None:
    slow = stub_settings(workplace.settings, train="--epochs 1000 --pause 0.02")
    workplace.settings.__dict__.update(slow.__dict__)
    label_studies(workplace)
    round_id = queue_round(client)
    progress = workplace.settings.rounds / round_id / "training" / "progress.jsonl"
    wait_until(progress.exists, lambda: step(workplace), "no progress")
    client.post(f"/api/rounds/{round_id}/cancel").raise_for_status()
    assert carry_on(workplace, round_id).state is RoundState.CANCELLED
    lines = progress.read_text()
    workplace.job("rounds")
    assert progress.read_text() == lines


def test_prometheus_reads_the_running_round(workplace: Workplace, client: TestClient) -> None:
    slow = stub_settings(workplace.settings, train="--epochs 1000 --pause 0.02")
    workplace.settings.__dict__.update(slow.__dict__)
    label_studies(workplace)

    def read() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    idle = read()
    assert idle['discloop_round_trigger{trigger="consensus_discs"}'] == 15 / 200
    assert (idle["discloop_round_due"], idle["discloop_model_generation"]) == (0, 0)
    assert "discloop_round_epoch" not in idle
    round_id = queue_round(client)
    wait_until(lambda: "discloop_round_epoch" in read(), lambda: step(workplace), "no progress")
    running = read()
    assert running["discloop_round_epochs"] == 1000
    assert running["discloop_round_restarts"] == 0
    client.post(f"/api/rounds/{round_id}/cancel").raise_for_status()
    carry_on(workplace, round_id)


def test_looks_at_the_test_patients_are_spent(workplace: Workplace, client: TestClient) -> None:
    few = stub_settings(workplace.settings, policy=POLICY | {"gate": POLICY["gate"] | {"looks": 1}})
    workplace.settings.__dict__.update(few.__dict__)
    label_studies(workplace)
    carry_on(workplace, queue_round(client))
    assert len(workplace.rows(select(Look))) == 1
    again = client.post("/api/rounds").json()["id"]
    client.post(f"/api/rounds/{again}/approve").raise_for_status()
    refused = client.post(f"/api/rounds/{again}/start")
    assert refused.status_code == 409
    assert "add fresh test patients" in refused.json()["error"]["message"]


def test_a_test_patient_that_was_trained_on_is_a_leak(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = queue_round(client)
    with workplace.write() as session:
        row = repository.get(session, round_id)
        row.trained_on = json.dumps(["patient-0001", "patient-0100"])
    row = carry_on(workplace, round_id)
    assert row.state is RoundState.HELD
    assert json.loads(row.verdict or "")["outcome"] == "refused: leak"


def test_weights_changed_after_the_verdict_are_not_promoted(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    round_id = queue_round(client)
    carry_on(workplace, round_id)
    weights = workplace.settings.rounds / round_id / "training" / "weights" / "weights.pt"
    weights.write_bytes(weights.read_bytes() + b" ")
    assert client.post(f"/api/rounds/{round_id}/promote").status_code == 400
    assert client.get("/api/models").json()["active"]["number"] == 0


def test_a_round_judged_against_an_old_champion_is_not_promoted(
    workplace: Workplace, client: TestClient
) -> None:
    label_studies(workplace)
    first = queue_round(client)
    carry_on(workplace, first)
    second = queue_round(client)
    carry_on(workplace, second)
    client.post(f"/api/rounds/{first}/promote").raise_for_status()
    refused = client.post(f"/api/rounds/{second}/promote")
    assert refused.status_code == 409
    assert "another model serves now" in refused.json()["error"]["message"]


def test_nothing_to_train_on_is_no_round(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace, train=0, test=2)
    refused = client.post("/api/rounds")
    assert refused.status_code == 409
    assert "no consensus on a train patient" in refused.json()["error"]["message"]


def test_without_test_patients_nothing_is_promoted(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace, test=0)
    row = carry_on(workplace, queue_round(client))
    assert row.state is RoundState.HELD
    assert json.loads(row.verdict or "")["outcome"] == "held: too few positives"


def test_rounds_queue_and_one_trains_at_a_time(workplace: Workplace, client: TestClient) -> None:
    slow = stub_settings(workplace.settings, train="--epochs 20 --pause 0.05")
    workplace.settings.__dict__.update(slow.__dict__)
    label_studies(workplace)
    planned = client.post("/api/rounds").raise_for_status().json()["id"]
    refused = client.post("/api/rounds")
    assert refused.status_code == 409
    assert planned in refused.json()["error"]["message"]
    for name in ("approve", "start"):
        client.post(f"/api/rounds/{planned}/{name}").raise_for_status()
    workplace.clock.turn(seconds=1)
    second = queue_round(client)
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        assert (
            "1 round goes before it" in browser.get(f"/rounds/{second}", headers={"accept": "text/html"}).text
        )

    def both_ended() -> bool:
        states = [the_round(workplace, one).state for one in (planned, second)]
        assert sum(state in RUNNING for state in states) <= 1
        return ended(workplace, planned) and ended(workplace, second)

    wait_until(both_ended, lambda: step(workplace), "the rounds do not end")
    first_row, second_row = the_round(workplace, planned), the_round(workplace, second)
    assert (first_row.state, second_row.state) == (RoundState.PASSED, RoundState.PASSED)


def test_a_round_in_the_queue_counts_as_a_look(workplace: Workplace, client: TestClient) -> None:
    few = stub_settings(workplace.settings, policy=POLICY | {"gate": POLICY["gate"] | {"looks": 1}})
    workplace.settings.__dict__.update(few.__dict__)
    label_studies(workplace)
    queue_round(client)
    again = client.post("/api/rounds").raise_for_status().json()["id"]
    client.post(f"/api/rounds/{again}/approve").raise_for_status()
    assert client.post(f"/api/rounds/{again}/start").status_code == 409


@pytest.mark.parametrize("disk", [True, False])
def test_what_a_round_needs_is_looked_at_before_it_starts(
    workplace: Workplace, client: TestClient, disk: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nprintf '2048\\n1024\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    wanted = {"rounds_free_gb": 1e6} if disk else {"rounds_gpu_free_gb": 4}
    told = stub_settings(workplace.settings).model_copy(update=wanted)
    workplace.settings.__dict__.update(told.__dict__)
    label_studies(workplace)
    row = carry_on(workplace, queue_round(client))
    assert row.state is RoundState.FAILED
    said = (
        "GiB of disk are free, a round needs 1e+06"
        if disk
        else "2.0 GiB of GPU memory are free, a round needs 4"
    )
    assert (row.error or "").endswith(said)
    assert row.started_at is None


def test_a_due_round_is_proposed_and_waits_for_a_person(workplace: Workplace, client: TestClient) -> None:
    eager = stub_settings(workplace.settings, policy=POLICY | {"triggers": {"consensus_discs": 10}})
    workplace.settings.__dict__.update(eager.__dict__)
    workplace.job("round_proposals")
    assert client.get("/api/rounds").json() == []
    label_studies(workplace)
    assert client.get("/api/rounds/due").json()["due"]
    workplace.job("round_proposals")
    workplace.job("round_proposals")
    (proposed,) = client.get("/api/rounds").json()
    assert (proposed["state"], proposed["planned_by"]) == ("planned", "system")
    assert proposed["why"] == "due by consensus discs"


def test_an_engineer_sees_approves_and_promotes_on_the_pages(workplace: Workplace) -> None:
    label_studies(workplace)
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    html = {"accept": "text/html"}
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/rounds", headers=html)
        assert "No round is due yet" in page.text
        form = {"csrf": csrf_of(page.text)}
        where = browser.post("/rounds", data=form).headers["location"]
        round_id = Path(where).name
        for step, words in (("approve", "Start training"), ("start", "queued")):
            assert browser.post(f"{where}/{step}", data=form).status_code == 303
            assert words in browser.get(where, headers=html).text
        carry_on(workplace, round_id)
        evidence = browser.get(where, headers=html).text
        assert "95% interval" in evidence
        assert "kappa linear" in evidence
        assert browser.post(f"{where}/promote", data=form).status_code == 303
        assert "generation 1" in browser.get("/models", headers=html).text
        assert browser.get("/rounds", headers=html).status_code == 200


def test_the_policy_says_how_far_each_threshold_is(workplace: Workplace) -> None:
    label_studies(workplace, train=3)
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/rounds/policy", headers={"accept": "text/html"}).text
    row = page[page.index("Consensus discs") :].split("</tr>")[0]
    assert [cell.split("<")[0] for cell in row.split('<td class="number">')[1:]] == ["15", "200", "185"]
    for word in ("Agreement drop", "policy.json", "grade 5", "parity", "random"):
        assert word in page


def test_agreement_that_falls_on_the_random_share_makes_a_round_due() -> None:
    row = dict.fromkeys(COLUMNS) | {"role": "reader", "random_share": 1, "occasion": 1, "proposal": 3}
    same, other, ranked = (
        cells(row | {"pfirrmann": 3}),
        cells(row | {"pfirrmann": 4}),
        cells(row | {"pfirrmann": 4, "random_share": 0}),
    )
    units = {
        "before": UnitFigures((), (), (*[same] * 54, *[other] * 6, *[ranked] * 90), NOWHERE),
        "since": UnitFigures((), (), (*[same] * 45, *[other] * 15), NOWHERE),
    }
    known = Figures(("", 0, 0, 0, 0), units)
    drop = agreement_drop(known, {"since"})
    assert drop == pytest.approx(0.9 - 0.75)
    state = LoopState(consensus_discs=1, rare_discs=0, disputed_discs=0, agreement_drop=drop, days=1)
    assert round_is_due(TriggerPolicy(), state)
    few = Figures(("", 0, 0, 0, 0), units | {"since": UnitFigures((), (), (other,) * 49, NOWHERE)})
    assert agreement_drop(few, {"since"}) == 0


def test_two_rounds_side_by_side(workplace: Workplace, client: TestClient) -> None:
    label_studies(workplace)
    first = queue_round(client)
    carry_on(workplace, first)
    second = queue_round(client)
    carry_on(workplace, second)
    pair = client.get("/api/rounds/compare", params={"first": first, "second": second}).json()
    assert (pair["first"]["id"], pair["second"]["id"]) == (first, second)
    assert pair["labels"] == {"added": [], "removed": [], "changed": []}
    assert pair["same_test_set"]
    assert pair["counts"]["units"] == [15, 15]
    assert {row["name"] for row in pair["figures"]} >= {"kappa_linear", "grade 1", "calibration"}
    engineer = workplace.add_person(Role.ENGINEER, "engineer-1")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        html = {"accept": "text/html"}
        page = browser.get("/rounds/compare", params={"first": first, "second": second}, headers=html)
        assert "0 units added, 0 removed, 0 with another label" in page.text
        assert "/rounds/compare" in browser.get("/rounds", headers=html).text


def test_readers_see_no_rounds(workplace: Workplace) -> None:
    reader = workplace.add_person(Role.READER, "reader-9")
    with workplace.client() as browser:
        workplace.sign_in(browser, reader)
        for path in (
            "/rounds",
            "/models",
            "/agreement",
            "/adjudications",
            "/ranking",
            "/data",
            "/rounds/policy",
        ):
            assert browser.get(path).status_code == 403, path


def test_the_evidence_is_what_was_hashed(workplace: Workplace, client: TestClient) -> None:
    from domain.snapshots import digest

    label_studies(workplace)
    round_id = queue_round(client)
    row = carry_on(workplace, round_id)
    evidence = client.get(f"/api/rounds/{round_id}/evidence").json()
    assert digest(evidence) == row.evidence
    assert evidence["snapshot"] == row.snapshot
    assert service.folder_of(workplace.settings, round_id).evidence_file.is_file()
