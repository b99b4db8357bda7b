"""The control API: one secret, whole projections, passwords, and what stale means."""

from __future__ import annotations

from typing import Any

import pytest

from tests.label_studio import PASSWORD, LabelStudio, project_of, reader

pytestmark = pytest.mark.label_studio

ONE, TWO = "p-000000d1", "p-000000d2"
PATHS = (
    ("GET", "/discloop/control/status"),
    ("PUT", "/discloop/control/projection"),
    ("POST", f"/discloop/control/people/{ONE}/password"),
    ("GET", "/discloop/control/outbox"),
    ("POST", f"/discloop/control/people/{ONE}/sign-out"),
    ("GET", "/discloop/control/denials"),
    ("GET", "/discloop/control/accesses"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_only_the_secret_opens_it(label_studio: LabelStudio, method: str, path: str) -> None:
    right = label_studio.secret
    for header in ("", right, f"Bearer {right}", f"discloop {right}", f"DiscLoop {right}x", "DiscLoop"):
        headers = {"Authorization": header} if header else {}
        with label_studio.client(headers) as client:
            assert client.request(method, path, json={}).status_code == 401
    with label_studio.service() as client:
        assert client.request(method, path, json={}).status_code == 401


def test_status_says_what_is_held(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[], projects=[])
    with label_studio.control() as client:
        said = client.get("/discloop/control/status").json()
    assert said["label_studio"] == "1.23.2"
    assert said["supported"] is True
    assert said["projection"]["version"] == label_studio.version
    assert said["projection"]["age_s"] < 60
    assert said["projection"]["stale"] is False


def test_a_projection_makes_people_and_projects_and_keeps_their_numbers(label_studio: LabelStudio) -> None:
    people, projects = [reader(ONE), reader(TWO, role="engineer")], [project_of(ONE)]
    first = label_studio.put_projection(people=people, projects=projects)
    renamed = [projects[0] | {"title": "A better title"}]
    second = label_studio.put_projection(people=people, projects=renamed)
    assert first["people"] == second["people"]
    assert first["projects"] == second["projects"]
    assert set(first["people"]) == {ONE, TWO}
    with label_studio.service() as service:
        number = first["projects"][projects[0]["key"]]
        assert service.get(f"/api/projects/{number}/").json()["title"] == "A better title"


def test_a_lower_version_is_refused_and_the_same_one_is_the_heartbeat(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[])
    held = label_studio.version
    body = {"version": held - 1, "valid_for_s": 60, "people": [], "projects": []}
    with label_studio.control() as client:
        answer = client.put("/discloop/control/projection", json=body)
        assert answer.status_code == 409
        assert str(held) in answer.json()["detail"]
    label_studio.put_projection(people=[reader(ONE)], projects=[], version=held)


def broken() -> list[tuple[dict[str, Any], str]]:
    good = {"version": 10**6, "valid_for_s": 60, "people": [reader(ONE)], "projects": [project_of(ONE)]}
    person, project = good["people"][0], good["projects"][0]  # type: ignore[index]
    return [
        ({**good, "valid_for_s": 0}, "valid_for_s"),
        ({**good, "people": [{**person, "role": "owner"}]}, "people.0.role"),
        ({**good, "people": [{**person, "id": "somebody"}]}, "people.0.id"),
        ({**good, "people": [person, person]}, "(whole)"),
        ({**good, "projects": [{**project, "member": TWO}]}, "(whole)"),
        ({**good, "projects": [{**project, "plane": "coronal"}]}, "projects.0.plane"),
        ({**good, "more": 1}, "more"),
    ]


@pytest.mark.parametrize(("body", "field"), broken())
def test_a_wrong_projection_changes_nothing(
    label_studio: LabelStudio, body: dict[str, Any], field: str
) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[])
    with label_studio.control() as client:
        answer = client.put("/discloop/control/projection", json=body)
        assert answer.status_code == 422
        assert field in answer.json()["detail"]
        held = client.get("/discloop/control/status").json()["projection"]["version"]
    assert held == label_studio.version


@pytest.mark.parametrize(
    "email", ["service@discloop.invalid", "CREATOR@discloop.invalid", f"{TWO}@discloop.example"]
)
def test_nobody_takes_over_an_account(label_studio: LabelStudio, email: str) -> None:
    label_studio.put_projection(people=[reader(ONE), reader(TWO)], projects=[])
    body = {
        "version": label_studio.version + 1,
        "valid_for_s": 60,
        "people": [{**reader(ONE), "email": email}],
        "projects": [],
    }
    with label_studio.control() as client:
        answer = client.put("/discloop/control/projection", json=body)
    assert answer.status_code == 409
    assert ONE in answer.json()["detail"]


def test_a_new_password_ends_the_sessions(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[project_of(ONE)])
    label_studio.set_password(ONE)
    with label_studio.sign_in(f"{ONE}@discloop.example") as client:
        assert client.get("/api/current-user/whoami").status_code == 200
        label_studio.set_password(ONE, "another-horse-battery-2")
        assert client.get("/api/current-user/whoami").status_code == 401
    label_studio.set_password(ONE)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"password": "short"}', b'{"password": 12345678}', b"[]"])
def test_a_password_has_to_be_one(label_studio: LabelStudio, body: bytes) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[])
    with label_studio.control() as client:
        answer = client.post(f"/discloop/control/people/{ONE}/password", content=body)
        assert answer.status_code == 422
        assert client.post("/discloop/control/people/p-ffffffff/password", content=body).status_code == 404


def test_signing_out_ends_the_session_for_good(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[project_of(ONE)])
    label_studio.set_password(ONE)
    with label_studio.sign_in(f"{ONE}@discloop.example") as client:
        cookies = dict(client.cookies)
        assert client.get("/logout").status_code == 302
    with label_studio.client() as thief:
        thief.cookies.update(cookies)
        assert thief.get("/api/current-user/whoami").status_code == 401


def test_stale_means_nobody_reads_or_signs_in(label_studio: LabelStudio) -> None:
    people, projects = [reader(ONE)], [project_of(ONE)]
    label_studio.put_projection(people=people, projects=projects)
    label_studio.set_password(ONE)
    with label_studio.sign_in(f"{ONE}@discloop.example") as client, label_studio.service() as service:
        own = f"/api/projects/{label_studio.projects[projects[0]['key']]}/"
        assert (client.get(own).status_code, service.get(own).status_code) == (200, 200)
        label_studio.put_projection(people=people, projects=projects, valid_for_s=0.001)
        assert (client.get(own).status_code, service.get(own).status_code) == (503, 503)
        page = client.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "out of date" in page.text
        with label_studio.client() as anyone:
            assert anyone.get("/user/login/").status_code == 503
        label_studio.put_projection(people=people, projects=projects)
        assert (client.get(own).status_code, service.get(own).status_code) == (200, 200)


def test_refusals_are_logged_without_content(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[reader(ONE)], projects=[project_of(ONE)])
    label_studio.set_password(ONE)
    with label_studio.control() as control:
        seen = control.get("/discloop/control/denials").json()["entries"]
        after = seen[-1]["id"] if seen else 0
        with label_studio.sign_in(f"{ONE}@discloop.example") as client:
            client.get("/api/projects/999999/", params={"note": "a secret word"})
            client.get("/admin/")
        entries = control.get("/discloop/control/denials", params={"after": after}).json()["entries"]
    assert [(entry["person"], entry["method"], entry["route"]) for entry in entries] == [
        (ONE, "GET", "^api/projects/<int:pk>/"),
        (ONE, "GET", "admin/"),
    ]
    assert "secret word" not in repr(entries)
    assert PASSWORD not in label_studio.log.read_text()
