"""A password made by another opens nothing but the page where one's own is chosen; accesses are noted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.label_studio import PASSWORD, LabelStudio, project_of, reader

pytestmark = pytest.mark.label_studio

READER = "p-000000f1"
EMAIL = f"{READER}@discloop.example"
OWN = "seven quiet lighthouses"
STATE = "state-0123456789abcdef"


@pytest.fixture
def place(label_studio: LabelStudio) -> LabelStudio:
    label_studio.put_projection(people=[reader(READER)], projects=[project_of(READER)])
    label_studio.set_password(READER, final=False)
    return label_studio


@pytest.fixture
def newcomer(place: LabelStudio) -> Iterator[httpx.Client]:
    """Signed in with the one-time password, as a browser."""
    with place.sign_in(EMAIL) as client:
        client.headers["Accept"] = "text/html"
        yield client


def choose(client: httpx.Client, **fields: str) -> httpx.Response:
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', client.get("/discloop/password").text)
    assert token is not None
    form = {"old": PASSWORD, "new": OWN, "again": OWN, "csrfmiddlewaretoken": token[1], **fields}
    return client.post("/discloop/password", data=form, headers={"Origin": str(client.base_url).rstrip("/")})


def test_everything_else_is_refused_until_it_is_chosen(place: LabelStudio, newcomer: httpx.Client) -> None:
    own = f"/api/projects/{place.projects[f'reading-{READER}-sagittal']}/"
    json = {"Accept": "application/json"}
    for path in (own, "/api/projects/", "/discloop/worklists", "/discloop/sign-in?state=" + STATE):
        assert newcomer.get(path, headers=json).status_code == 403, path
        asked = newcomer.get(path)
        assert asked.status_code == 302
        assert asked.headers["location"].startswith("/discloop/password?next=%2F")
    assert newcomer.get("/").headers["location"] == "/discloop/password"
    answer = choose(newcomer, next="/discloop/worklists")
    assert (answer.status_code, answer.headers["location"]) == (302, "/discloop/worklists")
    assert newcomer.get(own, headers=json).status_code == 200
    assert newcomer.get("/discloop/worklists").status_code == 200
    with pytest.raises(AssertionError, match="sign-in answered 200"):
        place.sign_in(EMAIL, PASSWORD)
    place.sign_in(EMAIL, OWN).close()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"old": "not the present one"}, "present password is wrong"),
        ({"again": "something else entirely"}, "not the same twice"),
        ({"new": PASSWORD, "again": PASSWORD}, "has to differ"),
        ({"new": "short", "again": "short"}, "too short"),
        ({"new": EMAIL, "again": EMAIL}, "too similar"),
    ],
)
def test_a_choice_that_is_none_changes_nothing(
    newcomer: httpx.Client, fields: dict[str, str], reason: str
) -> None:
    answer = choose(newcomer, **fields)
    assert answer.status_code == 400
    assert reason in answer.text
    assert newcomer.get("/discloop/worklists").status_code == 302


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "javascript:alert(1)"])
def test_choosing_leads_nowhere_else(newcomer: httpx.Client, wanted: str) -> None:
    assert choose(newcomer, next=wanted).headers["location"] == "/"


def test_choosing_ends_the_other_sessions(place: LabelStudio, newcomer: httpx.Client) -> None:
    with place.sign_in(EMAIL) as elsewhere:
        assert choose(newcomer).status_code == 302
        assert elsewhere.get("/api/current-user/whoami").status_code == 401
        json = {"Accept": "application/json"}
        assert newcomer.get("/api/current-user/whoami", headers=json).status_code == 200


def test_sessions_end_from_outside(place: LabelStudio) -> None:
    place.set_password(READER)
    with place.sign_in(EMAIL) as client, place.control() as control:
        assert client.get("/api/current-user/whoami").status_code == 200
        assert control.post(f"/discloop/control/people/{READER}/sign-out").status_code == 204
        assert client.get("/api/current-user/whoami").status_code == 401
        assert control.post("/discloop/control/people/p-ffffffff/sign-out").status_code == 404


def test_what_the_service_is_given_is_noted(place: LabelStudio) -> None:
    number = place.projects[f"reading-{READER}-sagittal"]
    with place.control() as control, place.service() as service:
        path = "/discloop/control/accesses"
        seen = control.get(path).json()["entries"]
        after = {"after": seen[-1]["id"] if seen else 0}
        for page in (1, 2):
            service.get("/api/tasks/", params={"project": number, "page": page})
        service.get("/api/projects/")
        entries = control.get(path, params=after).json()["entries"]
    assert [(one["person"], one["route"], one["subject"]) for one in entries] == [
        ("service", "^api/tasks/", f"project {number}")
    ]


def test_what_the_page_would_not_send_is_refused_and_logged(place: LabelStudio) -> None:
    place.set_password(READER)
    number = place.projects[f"reading-{READER}-sagittal"]
    task = place.import_tasks(number, [{"data": {"image": "/x", "key": "k" * 24}}])[0]
    path = f"/api/tasks/{task}/annotations/"
    with place.sign_in(EMAIL) as client, place.control() as control:
        seen = control.get("/discloop/control/denials").json()["entries"]
        for body in ({"result": [{"type": "unheard"}]}, {"result": [], "was_cancelled": True}):
            assert client.post(path, json=body).status_code in (400, 403)
        assert client.delete("/api/annotations/1/").status_code == 403
        after = {"after": seen[-1]["id"] if seen else 0}
        entries = control.get("/discloop/control/denials", params=after).json()["entries"]
    assert [(one["person"], one["reason"]) for one in entries] == [
        (READER, "a reading that cannot be kept"),
        (READER, "a unit cannot be skipped"),
        (READER, "closed"),
    ]
