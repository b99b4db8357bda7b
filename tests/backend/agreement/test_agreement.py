from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from domain.taxonomy import Role
from tests.backend.loop import read_all
from tests.backend.workplace import Workplace, csrf_of

HTML = {"accept": "text/html"}


def test_the_report_is_of_first_signed_revisions_by_position(
    read_twice: Workplace, client: TestClient
) -> None:
    read_all(read_twice, {f"study-{n:04d}-sagittal": (1, 1, 1, 1, 1) for n in range(1, 5)})
    read_twice.work("outbox", "comparisons")
    everything = client.get("/agreement", params={"arm": "all"}, headers=HTML).text
    assert "20 discs that two readers graded" in everything
    assert "0.900" in everything  # 18 of 20 alike
    assert "Model against each reader" in everything
    assert "Effect of the arm" in everything
    csv = client.get("/api/agreement/readings.csv").text.splitlines()
    assert csv[0].startswith("patient,study,index,level,reader,arm")
    assert len([line for line in csv if line.endswith(",reader")]) == 2 * 20


def test_the_whole_report_goes_out_as_json(read_twice: Workplace, client: TestClient) -> None:
    arms = {assignment.arm for assignment in read_twice.assignments()}
    found = client.get("/api/agreement", params={"arm": next(iter(arms)).value}).json()
    assert found["n"]["paired"] % 5 == 0
    assert found["n"]["paired"] > 0
    assert set(found["kappa_linear"]) >= {"value", "low", "high", "se"}
    drawn = client.get("/api/agreement", params={"arm": "all", "resample_readers": True}).json()
    assert any("readers were not resampled" in note for note in drawn["notes"])


def test_where_the_readers_agree(read_twice: Workplace, client: TestClient) -> None:
    found = client.get("/api/agreement/where", params={"arm": "all"}).json()
    report = client.get("/api/agreement", params={"arm": "all"}).json()
    assert found["discs"]["boxes"] == report["n"]["paired"]
    assert found["discs"]["overlap"]["value"] == 1
    assert found["discs"]["centre_distance_mm"]["value"] == 0
    assert found["hiz_slice_f1"]["reason"] == "no reader marked any slice"
    table = client.get("/api/agreement/where.csv", params={"arm": "all"})
    assert table.text.splitlines()[1].startswith(f"discs,{found['discs']['boxes']},overlap,1.0,1.0,1.0,")
    assert "Boxes and slices" in client.get("/agreement", params={"arm": "all"}, headers=HTML).text


def test_without_any_pair_the_page_says_so(workplace: Workplace, client: TestClient) -> None:
    page = client.get("/agreement", headers=HTML)
    assert page.status_code == 200
    assert "No unit has been read twice yet" in page.text
    assert client.get("/api/agreement").status_code == 404


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR])
def test_results_are_hidden_from_those_who_read_until_the_freeze(workplace: Workplace, role: Role) -> None:
    person = workplace.add_person(role, "somebody")
    lead = workplace.add_person(Role.LEAD, "the-lead")
    with workplace.client() as browser, workplace.client() as leads:
        workplace.sign_in(browser, person)
        for path in (
            "/agreement",
            "/api/agreement",
            "/api/agreement/where",
            "/api/agreement/where.csv",
            "/api/agreement/readings.csv",
        ):
            assert browser.get(path).status_code == 403
        workplace.sign_in(leads, lead)
        form = {"csrf": csrf_of(leads.get("/freeze", headers=HTML).text)}
        assert leads.post("/freeze", data=form).status_code == 303
        assert browser.get("/agreement").status_code == 200


def test_an_engineer_may_look(workplace: Workplace) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer-2")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/agreement", headers=HTML)
        assert page.status_code == 200
