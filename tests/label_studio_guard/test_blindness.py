"""Reader B against A's things: every route, every method, every credential. Nothing read or written."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sqlite3
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.label_studio import PYTHON, ROOT, LabelStudio, running_label_studio
from tests.label_studio_guard import probing
from tests.label_studio_guard.ml_stub import MlStub, running_ml_stub
from tests.label_studio_guard.world import A, B, World, make_world, person, project, reading

pytestmark = pytest.mark.label_studio

WRITTEN_BY_REFUSALS = {
    "django_session",
    "label_studio_guard_denial",
    "label_studio_guard_signinfailure",
    "sqlite_sequence",  # counts the rows of these
}


@pytest.fixture(scope="module")
def ml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlStub]:
    with running_ml_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with running_label_studio(tmp_path_factory.mktemp("blindness")) as running:
        yield running


@pytest.fixture(scope="module")
def world(site: LabelStudio, ml: MlStub) -> Iterator[World]:
    made = make_world(site, ml.url)
    with closing(made.a.session), closing(made.b.session):
        yield made


@pytest.fixture(scope="module")
def resolved(site: LabelStudio) -> dict[str, Any]:
    """Every route of the resolver, as the process itself lists them, and what takes its sample path."""

    done = subprocess.run(
        [str(PYTHON), "-m", "tests.label_studio_guard.resolved"],
        cwd=ROOT,
        env=dict(site.environment),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    answered: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answered


@pytest.fixture(scope="module")
def routes(resolved: dict[str, Any]) -> list[str]:
    """The routes that a request can reach."""
    shadowed = {route for route, _, _ in resolved["shadowed"]}
    return [route for route in resolved["routes"] if route not in shadowed]


def database(site: LabelStudio) -> Path:
    return Path(site.environment["LABEL_STUDIO_BASE_DATA_DIR"]) / "label_studio.sqlite3"


def contents(site: LabelStudio) -> dict[str, str]:
    """A digest of every table that a refused request has no business with."""
    with closing(sqlite3.connect(f"file:{database(site)}?mode=ro", uri=True)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: hashlib.sha256(
                repr(sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"')))).encode()
            ).hexdigest()
            for name in names
            if name not in WRITTEN_BY_REFUSALS
        }


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def test_the_probes_reach_every_route(resolved: dict[str, Any]) -> None:
    assert len(resolved["routes"]) > 250
    assert resolved["nowhere"] == []
    # Behind an earlier route that takes the same path: no request reaches them.
    assert len(resolved["shadowed"]) < 20, resolved["shadowed"]


def test_a_reader_signed_in_reads_and_writes_nothing_of_another(
    site: LabelStudio, world: World, routes: list[str], ml: MlStub
) -> None:
    before, asked = contents(site), list(ml.asked)
    found = probing.findings(
        probing.probes_of(routes, world), world.b.session, world, signed_in=True, at_once=3
    )
    found += probing.findings(
        probing.forbidden_to_owners(world), world.b.session, world, signed_in=True, at_once=3
    )
    assert "\n".join(found) == ""
    assert changed(before, contents(site)) == []
    assert ml.asked == asked


def test_nobody_reads_and_writes_nothing(site: LabelStudio, world: World, routes: list[str]) -> None:
    before = contents(site)
    with site.client() as client:
        assert (
            probing.findings(probing.probes_of(routes, world), client, world, signed_in=False, at_once=3)
            == []
        )
    assert changed(before, contents(site)) == []


def test_the_probes_would_see_what_they_look_for(world: World, routes: list[str]) -> None:
    """The same probes as reader A show A's words in many places: the probes are no blank cartridges."""
    api = [route for route in routes if route.startswith("^api/") and "storages" not in route]
    reads = [probe for probe in probing.probes_of(api, world) if probe.method == "GET"]
    found = probing.findings(reads, world.a.session, world, signed_in=True, at_once=3)
    seen = {line.split()[1].split("?")[0] for line in found if "shows" in line}
    assert {
        *(
            "/api/tasks/",
            "/api/tasks/1/",
            "/api/tasks/1/annotations/",
            "/api/annotations/1/",
            "/api/projects/1/",
        ),
        *("/api/drafts/1/", "/api/projects/1/next/"),
    } <= seen


def credentials(site: LabelStudio) -> dict[str, dict[str, str]]:
    """What Label Studio itself would take for B, or for the projects' creator, in any spelling."""
    keys = {B: uuid.uuid4().hex + "00000000", A: uuid.uuid4().hex + "11111111"}
    with closing(sqlite3.connect(database(site), timeout=30)) as connection, connection:
        for person, key in keys.items():
            row = (key, "2026-01-01 00:00:00", site.users[person])
            connection.execute("INSERT INTO authtoken_token (key, created, user_id) VALUES (?, ?, ?)", row)
        creator = connection.execute(
            "SELECT key FROM authtoken_token JOIN htx_user ON htx_user.id = user_id WHERE email = ?",
            ("creator@discloop.invalid",),
        ).fetchone()[0]
    jwt = access_token(site, site.users[B])
    spelled = {
        "Token": {"Authorization": f"Token {keys[B]}"},
        "token": {"Authorization": f"token {keys[B]}"},
        "TOKEN": {"Authorization": f"TOKEN {keys[B]}"},
        "ToKeN": {"Authorization": f"ToKeN {keys[B]}"},
        "X-Api-Key": {"X-Api-Key": keys[B]},
        "A's token": {"Authorization": f"Token {keys[A]}"},
        "the creator's token": {"Authorization": f"Token {creator}"},
        "Bearer": {"Authorization": f"Bearer {jwt}"},
        "bearer": {"Authorization": f"bearer {jwt}"},
        "JWT": {"Authorization": f"JWT {jwt}"},
        "Basic": {"Authorization": "Basic " + base64.b64encode(f"{B}@discloop.example:x".encode()).decode()},
    }
    return spelled


def access_token(site: LabelStudio, user: int) -> str:
    """An access token as Label Studio signs them, from its own key."""
    lines = (Path(site.environment["LABEL_STUDIO_BASE_DATA_DIR"]) / ".env").read_text().splitlines()
    key = next(line.removeprefix("SECRET_KEY=") for line in lines if line.startswith("SECRET_KEY="))
    now = int(time.time())
    claims = {"token_type": "access", "exp": now + 3600, "iat": now, "jti": uuid.uuid4().hex, "user_id": user}
    parts = [_part({"alg": "HS256", "typ": "JWT"}), _part(claims)]
    signature = hmac.new(key.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_no_other_credential_opens_anything(site: LabelStudio, world: World, routes: list[str]) -> None:
    """All routes by a token and by a JWT; in the other spellings those that read or write readings."""
    spelled = credentials(site)
    before = contents(site)
    found = []
    for name, headers in spelled.items():
        whole = name in ("Token", "Bearer")
        probes = [probe for probe in probing.probes_of(routes, world) if _suits(probe, whole)]
        with site.client(headers) as client:
            found += [
                f"{name}: {line}"
                for line in probing.findings(probes, client, world, signed_in=False, at_once=3)
            ]
    assert "\n".join(found) == ""
    assert changed(before, contents(site)) == []


def test_a_token_beside_a_session_is_refused(site: LabelStudio, world: World) -> None:
    """The credential that counts in the REST framework is the token; the session does not excuse it."""
    cookies = dict(world.b.session.cookies)
    with closing(sqlite3.connect(database(site), timeout=30)) as connection:
        tokens = connection.execute("SELECT key FROM authtoken_token").fetchall()
    service = site.service_token
    for (key,) in tokens:
        if key == service:
            continue
        with site.client({"Authorization": f"Token {key}"}) as client:
            client.cookies.update(cookies)
            for path in (f"/api/tasks/{world.b.task}/", f"/api/tasks/{world.a.task}/", "/api/projects/"):
                assert probing.refused_by_guard(client.get(path)), path


def _suits(probe: probing.Probe, whole: bool) -> bool:
    if probe.what == probing.PLAIN and not probe.route.startswith(probing.ADMINISTRATION):
        return False
    words = ("tasks", "annotations", "drafts", "predictions", "projects/<int:pk>/", "token")
    return whole or (probe.method in ("GET", "PATCH") and any(word in probe.route for word in words))


def test_what_a_reader_posts_is_theirs_alone(world: World) -> None:
    body = {
        "result": reading("mine"),
        "completed_by": world.b.user,
        "ground_truth": True,
        "task": world.b.second_task,
        "bulk_created": True,
        "import_id": 7,
    }
    made = world.b.session.post(f"/api/tasks/{world.b.second_task}/annotations/", json=body).json()
    assert made["completed_by"] == world.b.user
    assert not made["ground_truth"]
    assert made["import_id"] is None
    changed_to = {"result": reading("changed"), "ground_truth": True}
    patched = world.b.session.patch(f"/api/annotations/{made['id']}/", json=changed_to)
    assert patched.status_code == 200
    assert not patched.json()["ground_truth"]


def test_a_form_cannot_stand_for_json(world: World) -> None:
    path = f"/api/tasks/{world.b.task}/annotations/"
    fields = {"result": json.dumps(reading("x")), "completed_by": str(world.a.user)}
    for answer in (
        world.b.session.post(path, data=fields),
        world.b.session.post(path, files={"result": (None, fields["result"])}),
    ):
        assert probing.refused_by_guard(answer)


@pytest.mark.parametrize(
    "header", [{"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_write_through_a_readers_browser(world: World, header: dict[str, str]) -> None:
    path = f"/api/tasks/{world.b.task}/annotations/"
    answer = world.b.session.post(path, json={"result": reading("x")}, headers=header)
    assert probing.refused_by_guard(answer)


def test_somebody_retired_or_without_a_project_reads_nothing(site: LabelStudio, world: World) -> None:
    people = [person(A), person(B)]
    own = f"/api/tasks/{world.b.task}/"
    assert world.b.session.get(own).status_code == 200
    for left, projects in (
        ([people[0], people[1] | {"active": False}], [project(A), project(B)]),
        ([people[0]], [project(A)]),
        (people, [project(A), project(B) | {"active": False}]),
        (people, [project(A)]),
        (people, [project(A), project(B) | {"member": A}]),
    ):
        site.put_projection(people=left, projects=projects)
        assert world.b.session.get(own).status_code in (401, 403)
    site.put_projection(people=people, projects=[project(A), project(B)])
    assert _still_there(world.b.session, site, own)


def _still_there(session: httpx.Client, site: LabelStudio, path: str) -> bool:
    """The session survives, or the person signs in again."""
    if session.get(path).status_code == 200:
        return True
    with site.sign_in(f"{B}@discloop.example") as again:
        return again.get(path).status_code == 200
