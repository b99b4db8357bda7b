"""What people meet: sign-in, home, worklists, slices, submitting, and the way to our own pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.taxonomy import Plane
from labeling_configs.configs import reading_config
from tests.label_studio import PASSWORD, LabelStudio, project_of, reader

pytestmark = pytest.mark.label_studio

READER, OTHER, ENGINEER = "p-000000e1", "p-000000e2", "p-000000e3"
KEY = "Abcdefghijklmnop_-012345"
BROKEN = "Broken-Abcdefghijklmnop"
STATE = "state-0123456789abcdef"
SAYS_NOTHING = {"id", "inner_id", "task", "created_at", "updated_at", "created_ago"}
"""Fields that every task has another value in: numbers and the time of the import."""


def png(width: int, height: int) -> bytes:
    """A grey PNG of zeros."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def people(label_studio: LabelStudio) -> LabelStudio:
    config = reading_config(Plane.SAGITTAL)
    label_studio.put_projection(
        people=[reader(READER), reader(OTHER), reader(ENGINEER, role="engineer")],
        projects=[
            project_of(READER, label_config=config),
            project_of(OTHER, label_config=config),
            project_of(READER, kind="calibration", label_config=config),
        ],
    )
    for person in (READER, OTHER, ENGINEER):
        label_studio.set_password(person)
    return label_studio


@pytest.fixture(scope="module")
def task(people: LabelStudio) -> int:
    """One unit of three slices, with its key."""
    names = [f"studies/s-0001/sagittal/{number:03}.png" for number in range(3)]
    for name in names:
        file = people.store / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(100, 80))
    (people.store.parent / "outside.png").write_bytes(png(1, 1))
    for key, stack in {KEY: names, BROKEN: [*names, "../outside.png", "studies/none.png"]}.items():
        unit = {"slices": stack, "scout": None, "plane": "sagittal"}
        (people.keys / f"{key}.json").write_text(json.dumps(unit))
    project = people.projects[f"reading-{READER}-sagittal"]
    slices = [f"/discloop/slices/{project}/{KEY}/{number}" for number in range(3)]
    data = {"key": KEY, "slices": slices, "open": 1}
    return people.import_tasks(project, [{"data": data}, {"data": data | {"key": BROKEN}}])[0]


@pytest.fixture
def signed_in(people: LabelStudio) -> Iterator[httpx.Client]:
    with people.sign_in(f"{READER}@discloop.example") as client:
        yield client


def test_a_reader_lands_on_their_worklists(people: LabelStudio, task: int, signed_in: httpx.Client) -> None:
    page = signed_in.get("/", follow_redirects=True)
    assert page.url.path == "/discloop/worklists"
    assert f"/projects/{people.projects[f'reading-{READER}-sagittal']}/data?labeling=1" in page.text
    assert f'href="{people.callback.removesuffix("auth/callback")}"' in page.text
    assert OTHER not in page.text


def test_an_engineer_lands_on_our_pages_and_opens_no_reading(people: LabelStudio, task: int) -> None:
    with people.sign_in(f"{ENGINEER}@discloop.example") as client:
        landed = client.get("/")
        assert landed.headers["location"] == people.callback.removesuffix("auth/callback")
        for path in (f"/api/tasks/{task}/", "/api/projects/", "/projects/", "/discloop/worklists"):
            assert client.get(path).status_code == 403


def test_pages_ask_to_sign_in_and_come_back(people: LabelStudio) -> None:
    with people.client({"Accept": "text/html"}) as client:
        asked = client.get("/projects/1/data")
        assert asked.status_code == 302
        assert asked.headers["location"].startswith("/user/login/?next=%2Fprojects%2F1%2Fdata")


def test_nothing_of_a_page_comes_from_another_host(signed_in: httpx.Client, people: LabelStudio) -> None:
    number = people.projects[f"reading-{READER}-sagittal"]
    page = signed_in.get(f"/projects/{number}/data/")
    assert '<script src="/discloop/reading.js" data-language="en" defer>' in page.text
    assert '<a class="dl-home" href="/discloop/worklists" data-external>' in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert signed_in.get("/discloop/reading.js").headers["content-type"].startswith("text/javascript")


def test_too_many_wrong_passwords_close_the_account_for_a_while(people: LabelStudio) -> None:
    with people.client() as client:
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', client.get("/user/login/").text)
        assert token is not None
        form = {"email": f"{OTHER}@discloop.example", "csrfmiddlewaretoken": token[1]}

        def attempt(password: str) -> int:
            headers = {"Origin": people.url}
            return client.post(
                "/user/login/", data=form | {"password": password}, headers=headers
            ).status_code

        assert [attempt(f"wrong {number}") for number in range(8)] == [200] * 8
        assert attempt("wrong again") == 429
        # A new start forgets none of them.
        people.stop()
        people.start()
        assert attempt(PASSWORD) == 429
        with closing(people.database()) as database:
            database.execute("UPDATE label_studio_guard_signinfailure SET at = datetime(at, '-16 minutes')")
            database.commit()
        assert attempt(PASSWORD) == 302


def test_a_session_ends_after_twelve_hours_whatever_is_done(people: LabelStudio) -> None:
    with people.sign_in(f"{READER}@discloop.example") as client, closing(people.database()) as database:
        key = client.cookies["discloop_label_studio"]

        def ends() -> datetime:
            query = "SELECT expire_date FROM django_session WHERE session_key = ?"
            return datetime.fromisoformat(database.execute(query, [key]).fetchone()[0]).replace(tzinfo=UTC)

        before = ends()
        assert timedelta(hours=11, minutes=55) < before - datetime.now(UTC) <= timedelta(hours=12)
        assert client.get("/api/current-user/whoami").status_code == 200
        assert client.get("/discloop/worklists").status_code == 200
        assert ends() == before
        passed = "UPDATE django_session SET expire_date = datetime(expire_date, '-12 hours')"
        database.execute(f"{passed} WHERE session_key = ?", [key])
        database.commit()
        assert client.get("/api/current-user/whoami").status_code == 401
        assert client.get("/discloop/worklists").status_code == 401


@pytest.mark.parametrize(
    "email", ["creator@discloop.invalid", "service@discloop.invalid", "nobody@discloop.example"]
)
def test_only_people_of_the_study_sign_in(people: LabelStudio, email: str) -> None:
    with pytest.raises(AssertionError, match="sign-in answered 200"):
        people.sign_in(email)


def test_slices_go_to_the_member_only(people: LabelStudio, task: int, signed_in: httpx.Client) -> None:
    path = f"/discloop/slices/{people.projects[f'reading-{READER}-sagittal']}/{KEY}"
    answer = signed_in.get(f"{path}/1")
    assert answer.status_code == 200
    assert answer.content == png(100, 80)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, no-store"
    with people.sign_in(f"{ENGINEER}@discloop.example") as engineer:
        assert engineer.get(f"{path}/1").status_code == 403
    with people.client() as anybody, people.service() as service:
        assert anybody.get(f"{path}/1").status_code == 401
        assert service.get(f"{path}/1").status_code == 401


@pytest.mark.parametrize(
    "number", ["3", "4", "5", "-1", "scout", "x", "0x1", "..%2f..%2foutside.png", "%00", "1/"]
)
def test_nothing_else_of_the_disk_is_served(
    people: LabelStudio, task: int, signed_in: httpx.Client, number: str
) -> None:
    project = people.projects[f"reading-{READER}-sagittal"]
    assert signed_in.get(f"/discloop/slices/{project}/{BROKEN}/0").status_code == 200
    assert signed_in.get(f"/discloop/slices/{project}/{BROKEN}/{number}").status_code == 404


@pytest.mark.parametrize("key", ["unknown" * 4, "..%2fkeys%2f" + KEY, "short", KEY + ".json"])
def test_an_unknown_key_shows_nothing(
    people: LabelStudio, task: int, signed_in: httpx.Client, key: str
) -> None:
    project = people.projects[f"reading-{READER}-sagittal"]
    assert signed_in.get(f"/discloop/slices/{project}/{key}/0").status_code == 404


def disc(**answers: str) -> list[dict[str, Any]]:
    """One disc on the middle slice, with its answers."""
    region = {"id": "d", "to_name": "slices", "item_index": 1, "original_width": 100, "original_height": 80}
    box = {"x": 10.0, "y": 10.0, "width": 30.0, "height": 10.0, "rotation": 0}
    labels = region | {"type": "rectanglelabels", "from_name": "finding"}
    entries: list[dict[str, Any]] = [labels | {"value": box | {"rectanglelabels": ["disc"]}}]
    for control, choice in answers.items():
        entries.append(
            region | {"type": "choices", "from_name": control, "value": box | {"choices": [choice]}}
        )
    return entries


def test_an_incomplete_reading_is_refused_with_the_finding_and_its_draft_stays(
    people: LabelStudio, task: int, signed_in: httpx.Client
) -> None:
    draft = signed_in.post(f"/api/tasks/{task}/drafts", json={"result": disc()}).json()["id"]
    path = f"/api/tasks/{task}/annotations/"
    refused = signed_in.post(path, json={"result": disc(level="L5/S1"), "draft_id": draft})
    assert refused.status_code == 400
    said = refused.json()
    assert said["problems"] == [
        {"finding": "disc 1 from below on slice 2", "reason": "it has no grade and no reason for none"}
    ]
    assert "disc 1 from below on slice 2: it has no grade" in said["detail"]
    assert signed_in.get(f"/api/drafts/{draft}/").json()["result"] == disc()
    for nonsense in (None, "text", {"a": 1}, [1], [{"type": "unheard"}]):
        assert signed_in.post(path, json={"result": nonsense}).status_code == 400
    assert signed_in.post(path, json={"lead_time": 1}).status_code == 400
    kept = signed_in.post(path, json={"result": disc(level="L5/S1", pfirrmann="3"), "draft_id": draft})
    assert kept.status_code == 201
    assert signed_in.get(f"/api/drafts/{draft}/").status_code == 403


def test_a_calibration_is_read_like_a_unit_in_a_project_of_its_own(
    people: LabelStudio, task: int, signed_in: httpx.Client
) -> None:
    key = f"calibration-{READER}-sagittal"
    case = people.import_tasks(people.projects[key], [{"data": {"key": KEY, "slices": [], "open": 1}}])[0]
    path = f"/api/tasks/{case}/annotations/"
    assert signed_in.post(path, json={"result": disc(level="L5/S1")}).status_code == 400
    kept = signed_in.post(path, json={"result": disc(level="L5/S1", pfirrmann="3")})
    assert kept.status_code == 201
    entry = people.outbox()[-1]
    assert (entry["project_key"], entry["author"], entry["task_key"]) == (key, READER, KEY)
    with people.sign_in(f"{OTHER}@discloop.example") as other:
        assert other.get(f"/api/tasks/{case}/").status_code == 403


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value of an answer, by its path."""
    if isinstance(value, dict | list):
        for name, held in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(held, f"{path}.{name}")
    else:
        yield path, value


def test_a_repeat_is_the_first_reading_but_for_key_number_and_time(
    people: LabelStudio, signed_in: httpx.Client
) -> None:
    """All that a browser receives of a task: the task, its line in the list, its picture with the headers."""
    project = people.projects[f"reading-{READER}-sagittal"]
    (people.store / "repeated.png").write_bytes(png(100, 80))
    unit = {"slices": ["repeated.png"], "scout": None, "plane": "sagittal"}
    received = []
    for key in ("First-bcdefghijklmnop_-01", "Again-bcdefghijklmnop_-01"):
        (people.keys / f"{key}.json").write_text(json.dumps(unit))
        slice_of_it = f"/discloop/slices/{project}/{key}/0"
        data = {"key": key, "slices": [slice_of_it], "open": 0}
        shown = [{"model_version": "proposals", "result": disc()}]
        number = people.import_tasks(project, [{"data": data, "predictions": shown}])[0]
        task = signed_in.get(f"/api/tasks/{number}/").json()
        listing = signed_in.get("/api/tasks/", params={"project": project, "fields": "all"}).json()
        picture = signed_in.get(slice_of_it)
        headers = {
            name: said for name, said in picture.headers.items() if name not in ("date", "x-request-id")
        }
        line = next(one for one in listing["tasks"] if one["id"] == number)
        said = json.dumps([task, line, headers, picture.content.hex()]).replace(key, "KEY")
        received.append(dict(leaves(json.loads(said))))
    first, again = received
    assert len(first) > 40
    differing = {path for path in first.keys() | again.keys() if first.get(path) != again.get(path)}
    assert {path.rpartition(".")[2] for path in differing} <= SAYS_NOTHING


def test_a_body_that_is_no_honest_one_is_refused(
    people: LabelStudio, task: int, signed_in: httpx.Client
) -> None:
    """Too large for anybody, before it is sent; nested too deeply for a reader."""
    address = httpx.URL(people.url)
    for path in ("/user/login/", f"/api/tasks/{task}/annotations/", "/discloop/control/projection"):
        with closing(HTTPConnection(address.host, address.port, timeout=30)) as connection:
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(10**10))
            connection.endheaders()
            assert connection.getresponse().status == 413
    nested = b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    headers = {"Content-Type": "application/json"}
    assert (
        signed_in.post(f"/api/tasks/{task}/annotations/", content=nested, headers=headers).status_code == 403
    )


def test_a_box_beyond_the_slice_is_refused_by_the_slices_own_size(task: int, signed_in: httpx.Client) -> None:
    result = disc(level="L5/S1", pfirrmann="3")
    for entry in result:
        entry["item_index"] = 7
    answer = signed_in.post(f"/api/tasks/{task}/annotations/", json={"result": result})
    assert answer.status_code == 400


def unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_our_pages_get_a_signed_short_lived_assertion(people: LabelStudio, signed_in: httpx.Client) -> None:
    page = signed_in.get("/discloop/sign-in", params={"state": STATE})
    assert f'action="{people.callback}"' in page.text
    assert page.headers["cache-control"] == "no-store"
    match = re.search(r'name="assertion" value="([^"]+)"', page.text)
    assert match is not None
    first, signature = match[1].split(".")
    expected = hmac.new(people.assertion_key.encode(), first.encode(), hashlib.sha256).digest()
    assert unpadded(signature) == expected
    payload = json.loads(unpadded(first))
    assert payload["exp"] == payload["iat"] + 60
    assert abs(payload["iat"] - time.time()) < 30
    assert len(payload.pop("jti")) == 36
    assert {name: payload[name] for name in ("iss", "aud", "sub", "role", "state")} == {
        "iss": "discloop-guard",
        "aud": people.callback,
        "sub": READER,
        "role": "reader",
        "state": STATE,
    }


def test_two_assertions_are_never_the_same(signed_in: httpx.Client) -> None:
    pages = {signed_in.get("/discloop/sign-in", params={"state": STATE}).text for _ in range(3)}
    assert len(pages) == 3


@pytest.mark.parametrize("state", ["", "short", "<script>alert(1)</script>", "x" * 300])
def test_a_state_has_to_be_one(signed_in: httpx.Client, state: str) -> None:
    assert signed_in.get("/discloop/sign-in", params={"state": state}).status_code == 400


def test_an_assertion_needs_a_session(people: LabelStudio) -> None:
    with people.client({"Accept": "text/html"}) as client:
        answer = client.get("/discloop/sign-in", params={"state": STATE})
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/user/login/")
    with people.service() as service:
        assert service.get("/discloop/sign-in", params={"state": STATE}).status_code == 401


def test_the_service_imports_no_annotations(people: LabelStudio) -> None:
    project = people.projects[f"reading-{READER}-sagittal"]
    tasks = [
        {"data": {"key": "x" * 24}, "annotations": [{"result": [], "completed_by": people.users[READER]}]}
    ]
    with people.service() as service:
        assert service.post(f"/api/projects/{project}/import", json=tasks).status_code == 403
        for method in ("PATCH", "DELETE"):
            assert service.request(method, "/api/annotations/1/", json={"result": []}).status_code == 401
        assert service.post("/api/tasks/1/annotations/", json={"result": []}).status_code == 401
        for path in ("/api/webhooks/", "/api/storages/", "/api/users/", "/admin/", "/metrics/", "/docs/api/"):
            assert service.get(path).status_code in (401, 403), path


def test_the_log_holds_no_outside_address(people: LabelStudio) -> None:
    addresses = set(re.findall(r"https?://([^/:\s\"']+)", Path(people.log).read_text()))
    assert addresses <= {"127.0.0.1"}
