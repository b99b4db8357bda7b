"""Signing in: one assertion, one browser, one time."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from backend.access import SESSION_COOKIE
from backend.people import service as people
from backend.people.tables import Person
from backend.sessions.tables import SignedIn
from domain.taxonomy import Role
from tests.backend.workplace import BY, Workplace, csrf_of

HTML = {"accept": "text/html"}


@pytest.fixture
def engineer(workplace: Workplace) -> Person:
    """Somebody who may sign in."""
    return workplace.add_person(Role.ENGINEER, "engineer")


@pytest.fixture
def browser(workplace: Workplace) -> Iterator[TestClient]:
    """A browser without any cookie."""
    with workplace.client() as opened:
        opened.headers.update(HTML)
        yield opened


def state_of(browser: TestClient) -> str:
    """Begin to sign in."""
    location: str = browser.get("/auth/start").headers["location"]
    assert location.startswith("http://127.0.0.1:8080/discloop/sign-in?state=")
    return location.partition("state=")[2]


def test_signs_in_and_out(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    assert browser.get("/").headers["location"] == "/sign-in?next=/"
    workplace.sign_in(browser, engineer)
    page = browser.get("/")
    assert page.status_code == 200
    assert "engineer" in page.text
    token = browser.cookies[SESSION_COOKIE]
    assert browser.post("/auth/sign-out", data={"csrf": csrf_of(page.text)}).status_code == 303
    browser.cookies.set(SESSION_COOKIE, token)
    assert browser.get("/").status_code == 303, "a session is revoked on the server, too"


def test_the_session_cookie_is_not_in_the_database(
    workplace: Workplace, browser: TestClient, engineer: Person
) -> None:
    workplace.sign_in(browser, engineer)
    (row,) = workplace.rows(select(SignedIn))
    assert browser.cookies[SESSION_COOKIE] not in row.model_dump_json()


def test_cookies_are_closed_to_scripts(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    state = state_of(browser)
    answer = browser.post(
        "/auth/callback", data={"assertion": workplace.assertion(engineer, state), "state": state}
    )
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


def test_an_assertion_counts_once(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    state = state_of(browser)
    form = {"assertion": workplace.assertion(engineer, state), "state": state}
    cookies = dict(browser.cookies)
    assert browser.post("/auth/callback", data=form).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(cookies)
    answer = browser.post("/auth/callback", data=form)
    assert answer.status_code == 403
    assert "used already" in answer.text


@pytest.mark.parametrize(
    "said",
    [
        {"aud": "http://elsewhere/auth/callback"},
        {"iss": "somebody"},
        {"exp": 0},
        {"iat": 4e9, "exp": 4e9 + 60},
        {"exp": 4e9},
        {"role": "admin"},
        {"sub": "p-ffffffff"},
        {"state": "another-browsers-state"},
        {"jti": "short"},
        {"extra": 1},
    ],
)
def test_refuses_what_does_not_fit(
    workplace: Workplace, browser: TestClient, engineer: Person, said: dict[str, object]
) -> None:
    state = state_of(browser)
    form = {"assertion": workplace.assertion(engineer, state, said=said), "state": state}
    assert browser.post("/auth/callback", data=form).status_code == 403
    assert SESSION_COOKIE not in browser.cookies


def test_refuses_another_key_and_a_changed_payload(
    workplace: Workplace, browser: TestClient, engineer: Person
) -> None:
    state = state_of(browser)
    forged = workplace.assertion(engineer, state, key=b"another key than the guard's")
    payload, _, signature = workplace.assertion(engineer, state).partition(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=="))
    changed = base64.urlsafe_b64encode(json.dumps(said | {"exp": said["exp"] + 9}).encode()).decode()
    for assertion in (forged, f"{changed}.{signature}", payload, f"{payload}.", ".", "", "é.é"):
        answer = browser.post("/auth/callback", data={"assertion": assertion, "state": state})
        assert answer.status_code in (403, 422), assertion


def test_refuses_a_browser_that_did_not_begin(
    workplace: Workplace, browser: TestClient, engineer: Person
) -> None:
    form = {"assertion": workplace.assertion(engineer, "x" * 20), "state": "x" * 20}
    assert browser.post("/auth/callback", data=form).status_code == 403


def test_a_session_ends_with_its_time(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    workplace.sign_in(browser, engineer)
    workplace.clock.turn(hours=11, minutes=59)
    assert browser.get("/").status_code == 200
    # Being used prolongs nothing.
    workplace.clock.turn(minutes=1, seconds=1)
    assert browser.get("/").status_code == 303
    workplace.job("sessions")
    assert workplace.rows(select(SignedIn)) == []


def test_retiring_ends_sessions_at_once(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    workplace.sign_in(browser, engineer)
    with workplace.write() as session:
        people.retire(session, engineer.id, by=BY, clock=workplace.clock)
    assert browser.get("/").status_code == 303


def test_the_role_is_read_from_our_table(workplace: Workplace, browser: TestClient, engineer: Person) -> None:
    workplace.sign_in(browser, engineer)
    with workplace.write() as session:
        session.get_one(Person, engineer.id).role = Role.READER
    assert browser.get("/people").status_code == 403


def test_returns_to_the_page_that_was_asked_for(
    workplace: Workplace, browser: TestClient, engineer: Person
) -> None:
    browser.get("/auth/start", params={"next": "/people"})
    state = browser.cookies["discloop_state"]
    form = {"assertion": workplace.assertion(engineer, state), "state": state}
    assert browser.post("/auth/callback", data=form).headers["location"] == "/people"


@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb"]
)
def test_never_leads_elsewhere(
    workplace: Workplace, browser: TestClient, engineer: Person, elsewhere: str
) -> None:
    page = browser.get("/sign-in", params={"next": elsewhere})
    assert re.search(r'href="/auth/start\?next=/"', page.text)


def test_begins_under_the_address_it_returns_to(workplace: Workplace) -> None:
    with workplace.client() as opened:
        answer = opened.get("/auth/start", headers={"host": "localhost:8081"})
    assert answer.headers["location"] == "http://testserver/auth/start?next=%2F"
    assert "set-cookie" not in answer.headers


def test_other_host_names_get_nothing(browser: TestClient) -> None:
    assert browser.get("/sign-in", headers={"host": "evil.example"}).status_code == 400
