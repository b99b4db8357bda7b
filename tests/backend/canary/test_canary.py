"""A reader who is nobody is refused, every minute; were they let in, everything would stand still."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from domain.canary import CANARY
from domain.taxonomy import Role
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace, csrf_of


@pytest.fixture
def place(workplace: Workplace) -> Workplace:
    """Two readers with tasks."""
    workplace.ready(a_study(1), a_study(2))
    return workplace


def test_nothing_to_probe_is_no_failure(workplace: Workplace) -> None:
    outcome = workplace.job("canary")
    assert outcome is not None
    assert outcome.note == "no task to probe yet"


def test_a_refused_canary_is_noted(place: Workplace, client: TestClient) -> None:
    outcome = place.job("canary")
    assert outcome is not None
    assert outcome.note == "refused 5 of 5"
    task = next(one.task for one in place.assignments() if one.task is not None)
    assert task is not None
    assert any(path.startswith("/api/tasks/") for path in place.fakes.front_door.asked)
    assert CANARY in place.fakes.guard.final
    said = client.get("/api/canary").json()
    assert (said["probes"], said["opened_at"]) == (1, None)
    assert "discloop_canary_opened 0.0" in client.get("/metrics").text
    assert client.post("/api/canary/clear").status_code == 409


def test_a_canary_that_gets_in_stops_provisioning(place: Workplace, client: TestClient) -> None:
    place.fakes.front_door.statuses = {"/annotations/": 200}
    place.job("canary")
    said = client.get("/api/status").json()["canary"]
    assert said["opened_at"] is not None
    assert said["opened"].endswith("/annotations/")
    assert "discloop_canary_opened 1.0" in client.get("/metrics").text
    assert client.get("/api/audit").json()[0]["action"] == "canary.opened"

    place.add_person(Role.READER, "reader-3")
    place.ingest(a_study(1), a_study(2), a_study(3))
    place.plan(seed=2)
    place.work("projection", "proposals")
    before = [one.key for one in place.assignments() if one.task is None]
    assert before
    for job in ("provisioning", "adjudications"):
        outcome = place.job(job)
        assert outcome is not None
        assert "canary" in outcome.note
    assert [one.key for one in place.assignments() if one.task is None] == before

    place.fakes.front_door.statuses = {}
    place.job("canary")
    assert client.get("/api/canary").json()["opened_at"] is not None
    assert client.post("/api/canary/clear").json()["opened_at"] is None
    place.work("provisioning")
    assert [one.key for one in place.assignments() if one.task is None] == []


@pytest.mark.parametrize("status", [401, 404, 503])
def test_an_unclear_answer_is_no_reassurance(place: Workplace, client: TestClient, status: int) -> None:
    place.fakes.front_door.statuses = {"/api/tasks/": status}
    place.job("canary")
    jobs = {job["name"]: job for job in client.get("/api/status").json()["jobs"]}
    assert "neither let in nor refused" in jobs["canary"]["error"]
    assert client.get("/api/canary").json()["probed_at"] is None


def test_the_alarm_is_on_the_page_and_an_engineer_clears_it(place: Workplace) -> None:
    place.fakes.front_door.statuses = {"/api/projects/": 200}
    place.job("canary")
    engineer = place.add_person(Role.ENGINEER, "engineer")
    with place.client(follow=True) as browser:
        browser.headers["accept"] = "text/html"
        browser.follow_redirects = False
        place.sign_in(browser, engineer)
        browser.follow_redirects = True
        assert "ALARM" in browser.get("/").text
        page = browser.get("/audit").text
        assert "/next/" in page
        browser.post("/canary/clear", data={"csrf": csrf_of(page)})
        assert "ALARM" not in browser.get("/").text
