"""The freeze: what is missing before it, who may do it, and that it is done once."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from domain.taxonomy import Role
from tests.backend.loop import TO_CONSENSUS, adjudications, decide, read, read_all, with_adjudicator
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace, csrf_of

HTML = {"accept": "text/html"}


def missing(client: TestClient) -> dict[str, int]:
    """What is missing, by the first two words."""
    found = client.get("/api/freeze").json()["missing"]
    return {" ".join(one["what"].split()[:2]): one["count"] for one in found if one["count"]}


def test_it_names_what_is_missing_until_nothing_is(workplace: Workplace, client: TestClient) -> None:
    with_adjudicator(workplace, 2)
    workplace.ingest(a_study(3, axial=False))
    assert missing(client) == {"studies that": 1, "first readings": 4}
    workplace.plan()
    read_all(workplace, {"study-0001-sagittal": (3, 5, 3, 2, 1)})
    workplace.work("projection", "proposals", "provisioning", *TO_CONSENSUS)
    assert missing(client) == {"units that": 1}
    decide(workplace, adjudications(workplace)[0], grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    assert missing(client) == {}
    workplace.clock.turn(hours=1)
    read(workplace, workplace.assignments()[0], 1, 1, 1, 1, 1)
    workplace.work("outbox", "corrections")
    assert missing(client) == {"units opened": 1}


def test_the_lead_freezes_once_and_the_page_says_who_and_when(workplace: Workplace) -> None:
    lead = workplace.add_person(Role.LEAD, "the-lead")
    with workplace.client() as browser:
        workplace.sign_in(browser, lead)
        page = browser.get("/freeze", headers=HTML).text
        assert "Nothing is missing" in page
        form = {"csrf": csrf_of(page)}
        assert browser.post("/freeze", data={"csrf": "another"}).status_code == 403
        assert browser.post("/freeze", data=form).headers["location"] == "/freeze"
        assert browser.post("/freeze", data=form).status_code == 409
        page = browser.get("/freeze", headers=HTML).text
    assert "Frozen 2026-11-21 10:00 UTC by the-lead" in page
    assert "Freeze the study" not in page


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR, Role.ENGINEER])
def test_nobody_else_freezes(workplace: Workplace, role: Role) -> None:
    person = workplace.add_person(role, "somebody")
    with workplace.client() as browser:
        workplace.sign_in(browser, person)
        page = browser.get("/freeze", headers=HTML)
        assert page.status_code == (200 if role is Role.ENGINEER else 403)
        assert "Freeze the study" not in page.text
        form = {"csrf": csrf_of(browser.get("/", headers=HTML).text)}
        assert browser.post("/freeze", data=form).status_code == 403
