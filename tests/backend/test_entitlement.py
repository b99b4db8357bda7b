"""Before the freeze nobody sees agreement, consensus or model results who is not entitled: every route."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from backend.agreement import service as agreement
from backend.people.tables import Person
from domain.taxonomy import Role
from tests.backend.loop import TO_CONSENSUS, adjudications, decide, labels, read_all, with_adjudicator
from tests.backend.test_app import OPEN, routes
from tests.backend.workplace import BY, Workplace

OWN = {("GET", "/"), ("POST", "/auth/sign-out")}
"""What everybody may open: their own work, and the way out."""
ADJUDICATORS = {("GET", "/adjudications/gallery"), ("GET", "/adjudications/slices/{key}/{number}")}
"""What adjudicators may open besides: the readings of their own units, without names."""
BESIDES = {Role.READER: {("GET", "/calibration/own")}, Role.ADJUDICATOR: ADJUDICATORS}
"""A reader's calibration is training: their own answers beside a key, nothing of the study."""


def statuses(workplace: Workplace, browser: TestClient) -> dict[tuple[str, str], int]:
    """What each closed route answers to whoever is signed in, the way out last."""
    closed = [(method, path) for method, path, _ in routes() if path not in OPEN]
    found = {}
    for method, path in sorted(closed, key=lambda one: one in OWN):
        answer = browser.request(method, re.sub(r"\{[^}]+\}", "1", path), headers={"accept": "text/html"})
        found[method, path] = answer.status_code
    return found


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR])
def test_nothing_but_their_own_before_the_freeze(workplace: Workplace, role: Role) -> None:
    person = workplace.add_person(role, "somebody")
    with workplace.client() as browser:
        workplace.sign_in(browser, person)
        found = statuses(workplace, browser)
    assert {route for route, status in found.items() if status != 403} <= OWN | BESIDES[role]
    assert len(found) > 40


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR])
def test_the_freeze_opens_agreement_and_nothing_else(workplace: Workplace, role: Role) -> None:
    person = workplace.add_person(role, "somebody")
    with workplace.database.writing() as session:
        agreement.freeze(session, by=BY, clock=workplace.clock)
    with workplace.client() as browser:
        workplace.sign_in(browser, person)
        found = statuses(workplace, browser)
    more = {route for route, status in found.items() if status != 403} - OWN - BESIDES[role]
    assert more
    assert all(method == "GET" and "/agreement" in path for method, path in more)


def test_their_own_page_holds_no_result(workplace: Workplace) -> None:
    with_adjudicator(workplace, 2)
    read_all(workplace, {"study-0001-sagittal": (3, 5, 3, 2, 1)})
    workplace.work(*TO_CONSENSUS)
    decide(workplace, adjudications(workplace)[0], grade=4, reason="criterion")
    workplace.work(*TO_CONSENSUS)
    assert len(labels(workplace)) == 2
    (reader,) = workplace.rows(select(Person).where(Person.name == "reader-1"))
    with workplace.client() as browser:
        workplace.sign_in(browser, reader)
        page = browser.get("/").text
    for word in ("agree", "consensus", "kappa", "differ", "grade", "reader-2", "study-", "model"):
        assert word not in page.lower(), word
