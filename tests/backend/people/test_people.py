"""People come, get one-time passwords, retire, and are never deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from backend.people.tables import Person
from domain.taxonomy import Role
from tests.backend.workplace import Workplace, csrf_of

NEW = {"email": "Reader@Discloop.example", "name": "Reader 1", "role": "reader"}


def test_add_list_retire(workplace: Workplace, client: TestClient) -> None:
    person = client.post("/api/people", json=NEW).json()
    assert person["id"].startswith("p-")
    assert person["email"] == "reader@discloop.example"
    retired = client.post(f"/api/people/{person['id']}/retire").json()
    assert retired["active"] is False
    assert [one["id"] for one in client.get("/api/people").json()] == [person["id"]]
    assert client.delete(f"/api/people/{person['id']}").status_code in (404, 405)


@pytest.mark.parametrize(
    ("field", "value"), [("email", "nobody"), ("name", " "), ("role", "surgeon"), ("password", "x")]
)
def test_wrong_fields_are_named_and_not_repeated(client: TestClient, field: str, value: str) -> None:
    answer = client.post("/api/people", json=NEW | {field: value})
    assert answer.status_code == 422
    assert field in answer.json()["error"]["message"]
    assert "Reader@" not in answer.text


def test_an_address_is_taken_once(client: TestClient) -> None:
    assert client.post("/api/people", json=NEW).status_code == 201
    again = client.post("/api/people", json=NEW | {"email": "reader@discloop.example"})
    assert again.status_code == 409


def test_a_password_is_made_shown_once_and_kept_nowhere(workplace: Workplace, client: TestClient) -> None:
    person = client.post("/api/people", json=NEW).json()["id"]
    password = client.post(f"/api/people/{person}/password", json={}).json()["password"]
    assert len(password) >= 16
    assert workplace.fakes.guard.passwords == {person: password}
    given = "a sentence of their own"
    client.post(f"/api/people/{person}/password", json={"password": given})
    assert workplace.fakes.guard.passwords == {person: given}
    assert password not in str(client.get("/api/audit").json())


def test_passwords_of_nobody_and_of_the_retired(workplace: Workplace, client: TestClient) -> None:
    assert client.post("/api/people/p-00000000/password", json={}).status_code == 404
    person = client.post("/api/people", json=NEW).json()["id"]
    client.post(f"/api/people/{person}/retire")
    assert client.post(f"/api/people/{person}/password", json={}).status_code == 409


def test_a_password_is_one_time_unless_said_otherwise(workplace: Workplace, client: TestClient) -> None:
    person = client.post("/api/people", json=NEW).json()["id"]
    client.post(f"/api/people/{person}/password", json={})
    assert person not in workplace.fakes.guard.final
    client.post(f"/api/people/{person}/password", json={"password": "of a demo, for good", "final": True})
    assert person in workplace.fakes.guard.final


def test_sessions_are_ended_without_a_new_password(workplace: Workplace, client: TestClient) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        assert browser.get("/api/people").status_code == 200
        assert client.post(f"/api/people/{engineer.id}/sign-out").status_code == 204
        assert browser.get("/api/people").status_code == 401
    assert workplace.fakes.guard.signed_out == [engineer.id]
    assert client.post("/api/people/p-00000000/sign-out").status_code == 404


def test_no_address_of_an_account_that_is_nobodys(client: TestClient) -> None:
    assert client.post("/api/people", json=NEW | {"email": "canary@discloop.invalid"}).status_code == 409


def test_without_label_studio_the_password_stays(workplace: Workplace, client: TestClient) -> None:
    person = client.post("/api/people", json=NEW).json()["id"]
    workplace.fakes.guard.down = True
    answer = client.post(f"/api/people/{person}/password", json={})
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["error"]["message"]


class TestPages:
    """The same by forms."""

    @pytest.fixture
    def engineer(self, workplace: Workplace) -> Person:
        """Who looks."""
        return workplace.add_person(Role.ENGINEER, "engineer")

    @pytest.fixture
    def browser(self, workplace: Workplace, engineer: Person) -> Iterator[TestClient]:
        """Signed in."""
        with workplace.client(follow=True) as opened:
            opened.headers["accept"] = "text/html"
            opened.follow_redirects = False
            workplace.sign_in(opened, engineer)
            opened.follow_redirects = True
            yield opened

    def test_add_password_retire(self, workplace: Workplace, browser: TestClient) -> None:
        token = csrf_of(browser.get("/people").text)
        assert "Reader 1" in browser.post("/people", data=NEW | {"csrf": token}).text
        person = next(one["id"] for one in self._people(workplace) if one["name"] == "Reader 1")
        page = browser.post(f"/people/{person}/password", data={"csrf": token})
        assert workplace.fakes.guard.passwords[person] in page.text
        assert workplace.fakes.guard.passwords[person] not in browser.get("/people").text
        assert "retired" in browser.post(f"/people/{person}/retire", data={"csrf": token}).text

    def test_a_wrong_form_comes_back_filled(self, browser: TestClient) -> None:
        token = csrf_of(browser.get("/people").text)
        page = browser.post("/people", data=NEW | {"csrf": token, "email": "<nobody>"})
        assert page.status_code == 422
        assert "please check: email" in page.text
        assert "&lt;nobody&gt;" in page.text
        assert "Reader 1" in page.text

    @pytest.mark.parametrize("csrf", ["", "another"])
    def test_forms_of_others_change_nothing(
        self, workplace: Workplace, browser: TestClient, engineer: Person, csrf: str
    ) -> None:
        assert browser.post("/people", data=NEW | {"csrf": csrf}).status_code == 403
        assert len(self._people(workplace)) == 1

    def test_nobody_retires_themselves(self, browser: TestClient, engineer: Person) -> None:
        token = csrf_of(browser.get("/people").text)
        assert browser.post(f"/people/{engineer.id}/retire", data={"csrf": token}).status_code == 409

    def _people(self, workplace: Workplace) -> list[dict[str, str]]:
        with workplace.client() as client:
            token = workplace.settings.api_token.get_secret_value()
            people: list[dict[str, str]] = client.get(
                "/api/people", headers={"Authorization": f"Bearer {token}"}
            ).json()
        return people
