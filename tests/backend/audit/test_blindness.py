"""Labels given and requests refused are noted; a study's certificate says who saw what before both signed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from backend.outside.guard import Access, Denial
from backend.worklists.tables import Assignment
from domain.canary import CANARY
from domain.taxonomy import Plane, Role
from tests.backend.answers import graded
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace

STUDY = "study-0001"


@pytest.fixture
def pair(workplace: Workplace) -> list[Assignment]:
    """Both readers' assignments of the sagittal unit."""
    return [one for one in workplace.ready(a_study(1)) if one.plane is Plane.SAGITTAL]


def sign(workplace: Workplace, assignment: Assignment, number: int) -> None:
    """One reading comes in, a minute later."""
    workplace.clock.turn(minutes=1)
    workplace.fakes.guard.save(
        task_key=assignment.key,
        project_key=assignment.project,
        author=assignment.reader,
        result=graded(),
        annotation=number,
        at=workplace.clock(),
    )
    workplace.work("outbox")


def certified(client: TestClient) -> dict[str, object]:
    units = client.get(f"/api/audit/certificate/{STUDY}").json()["units"]
    found: dict[str, object] = next(unit for unit in units if unit["plane"] == "sagittal")
    return found


def test_only_accesses_between_the_two_signatures_count(
    workplace: Workplace, client: TestClient, pair: list[Assignment]
) -> None:
    client.get("/api/readings", params={"content": True})
    sign(workplace, pair[0], 1)
    assert certified(client)["accesses"] == []
    workplace.clock.turn(seconds=10)
    client.get("/api/readings", params={"content": True})
    client.get("/api/readings")
    at = workplace.clock()
    workplace.fakes.guard.accessed.append(
        Access(id=1, at=at, person="service", route="^api/tasks/", subject=f"task {pair[0].task}")
    )
    workplace.fakes.guard.accessed.append(
        Access(id=2, at=at, person=pair[1].reader, route="^api/annotations/", subject="annotation 1")
    )
    workplace.fakes.guard.accessed.append(
        Access(id=3, at=at - timedelta(days=1), person="service", route="^api/tasks/", subject="annotation 1")
    )
    sign(workplace, pair[1], 2)
    client.get("/api/readings", params={"content": True})
    unit = certified(client)
    assert unit["both_signed_at"] is not None
    accesses = unit["accesses"]
    assert isinstance(accesses, list)
    assert sorted((one["who"], one["what"]) for one in accesses) == sorted(
        [("api", "*"), ("service", f"task {pair[0].task}"), (pair[1].reader, "annotation 1")]
    )
    assert unit["by_its_readers"] == 1
    made = client.get(f"/api/audit/certificate/{STUDY}").json()
    assert made["chain"]["intact"] is True
    assert any("backup" in one for one in made["cannot_see"])


def test_no_certificate_without_both_halves(
    workplace: Workplace, client: TestClient, pair: list[Assignment]
) -> None:
    assert client.get("/api/audit/certificate/nothing").status_code == 404
    workplace.fakes.guard.down = True
    assert client.get(f"/api/audit/certificate/{STUDY}").status_code == 503
    assert client.get("/api/audit/accesses").json()["guard_answered"] is False


def test_what_is_refused_is_noted_with_whom(workplace: Workplace, client: TestClient) -> None:
    reader = workplace.add_person(Role.READER, "curious")
    at = workplace.clock()
    for number, person in ((1, CANARY), (2, reader.id)):
        workplace.fakes.guard.denied.append(
            Denial(id=number, at=at, person=person, method="GET", route="^api/tasks/", reason="not theirs")
        )
    with workplace.client() as browser:
        browser.post("/auth/callback", data={"assertion": "forged.by-hand", "state": "x"})
        workplace.sign_in(browser, reader)
        for path in ("/people", "/audit", "/api/readings?content=true", "/api/audit/denials"):
            assert browser.get(path).status_code == 403, path
    lines = client.get("/api/audit/denials").json()["lines"]
    assert [(one["who"], one["via"].split(", ")[1]) for one in lines if one["who"] == reader.id] == [
        (reader.id, "GET /api/audit/denials"),
        (reader.id, "GET /api/readings"),
        (reader.id, "GET /audit"),
        (reader.id, "GET /people"),
        (reader.id, "GET ^api/tasks/"),
    ]
    assert ("system", "pages, POST /auth/callback") in [(one["who"], one["via"]) for one in lines]
    assert CANARY not in str(lines)


def test_a_replayed_sign_in_is_noted(workplace: Workplace, client: TestClient) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    with workplace.client() as browser:
        browser.headers["accept"] = "text/html"
        state = browser.get("/auth/start").headers["location"].rpartition("=")[2]
        form = {"assertion": workplace.assertion(engineer, state), "state": state}
        cookies = dict(browser.cookies)
        assert browser.post("/auth/callback", data=form).status_code == 303
    with workplace.client() as thief:
        thief.cookies.update(cookies)
        assert thief.post("/auth/callback", data=form).status_code == 403
    lines = client.get("/api/audit/denials").json()["lines"]
    assert [one["via"] for one in lines] == ["pages, POST /auth/callback"]


def test_pages(workplace: Workplace, pair: list[Assignment]) -> None:
    sign(workplace, pair[0], 1)
    lead = workplace.add_person(Role.LEAD, "lead")
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    for person, sees_logs in ((lead, False), (engineer, True)):
        with workplace.client() as browser:
            workplace.sign_in(browser, person)
            page = browser.get("/audit")
            assert page.status_code == 200
            assert ("Refused" in page.text) is sees_logs
            shown = browser.get("/audit/certificate", params={"study": STUDY})
            assert "What this cannot see" in shown.text
            assert "not signed yet" in shown.text
            assert browser.get("/audit/certificate", params={"study": "nothing"}).status_code == 404
