"""What holds for every route."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Iterator

import httpx
import pytest
import structlog
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy import text

from backend.access import checked_form
from backend.app import NOUNS
from backend.limits import LARGEST_BODY_BYTES
from backend.logs import configure_logs, without_secrets
from backend.outside.http import call
from backend.pages import STATIC, TEMPLATES
from backend.resources import Reading
from domain.taxonomy import Role
from tests.backend.workplace import Workplace

OPEN = {"/live", "/ready", "/metrics", "/sign-in", "/auth/start", "/auth/callback", "/openapi.json"}


def routes() -> list[tuple[str, str, APIRoute]]:
    """Every method and path of the nouns' routers."""
    found = [route for noun in NOUNS for router in noun.routers for route in router.routes]
    return [(m, r.path, r) for r in found if isinstance(r, APIRoute) for m in sorted(r.methods or ())]


def test_every_route_is_closed_to_strangers(workplace: Workplace) -> None:
    closed = [(method, path) for method, path, _ in routes() if path not in OPEN]
    assert len(closed) > 20
    with workplace.client() as stranger:
        for method, path in closed:
            address = re.sub(r"\{[^}]+\}", "1", path)
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "discloop_session=wrong"}):
                answer = stranger.request(method, address, headers=headers)
                assert answer.status_code == 401, (method, path, headers, answer.status_code)


def test_every_form_checks_its_token() -> None:
    for method, path, route in routes():
        if method not in ("GET", "HEAD") and not path.startswith("/api/") and path != "/auth/callback":
            assert any(need.call is checked_form for need in route.dependant.dependencies), (method, path)


def test_a_browser_cannot_write_through_the_api(workplace: Workplace) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        assert browser.get("/api/people").status_code == 200
        assert browser.post("/api/studies").status_code == 403


def test_live_ready_metrics(workplace: Workplace, client: TestClient) -> None:
    assert client.get("/live").json() == {"status": "live"}
    assert client.get("/ready").json() == {"status": "ready", "reasons": []}
    client.get("/api/people")
    metrics = client.get("/metrics").text
    assert 'discloop_requests_total{method="GET",route="/api/people",status="200"} 1.0' in metrics
    workplace.settings.keys.rmdir()
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["folder DISCLOOP_KEYS is gone"]


@pytest.mark.parametrize("path", ["/sign-in", "/live", "/api/people", "/nowhere", "/static/discloop.css"])
def test_security_headers_are_everywhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    uuid.UUID(headers["x-request-id"])


def test_request_ids_are_taken_over_only_if_harmless(client: TestClient) -> None:
    given = str(uuid.uuid4())
    assert client.get("/live", headers={"X-Request-ID": given}).headers["x-request-id"] == given
    assert client.get("/live", headers={"X-Request-ID": "a b\tc"}).headers["x-request-id"] != "a b\tc"


def test_errors_are_json_for_programs_and_pages_for_people(client: TestClient) -> None:
    answer = client.get("/api/nothing").json()["error"]
    assert answer["code"] == "not_found"
    page = client.get("/nowhere", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "Nothing here" in page.text


def test_an_unforeseen_failure_says_nothing_of_itself(workplace: Workplace, client: TestClient) -> None:
    @workplace.app.get("/api/broken")
    def broken() -> None:
        raise RuntimeError("the patient's name")

    answer = client.get("/api/broken")
    assert answer.status_code == 500
    assert "patient" not in answer.text
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_a_body_beyond_the_limit_is_refused_before_it_is_known_who_sends_it(workplace: Workplace) -> None:
    with workplace.client() as stranger:
        answer = stranger.post("/api/people", content=b" " * (LARGEST_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert "content-security-policy" in answer.headers


def test_what_a_template_would_compute_is_text(workplace: Workplace, client: TestClient) -> None:
    """A name, as everything that came from elsewhere: shown, never run, by server or browser."""
    name = "{{7*7}}<script>alert(1)</script>{%raise%}"
    engineer = workplace.add_person(Role.ENGINEER, name)
    with workplace.client() as browser:
        workplace.sign_in(browser, engineer)
        page = browser.get("/people").text
    assert "{{7*7}}&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_the_openapi_names_every_api_route(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {path for _, path, _ in routes() if path.startswith("/api/")} <= set(paths)
    assert not [path for path in paths if not path.startswith(("/api/", "/live", "/ready", "/metrics"))]


def test_pages_load_nothing_from_elsewhere() -> None:
    pages = [page for page in TEMPLATES.rglob("*.html") if "base.html" in page.read_text()]
    for file in [*pages, TEMPLATES / "base.html", *STATIC.glob("*.css")]:
        text = file.read_text()
        assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", text), file
        assert "<script" not in text or 'src="/static/' in text, file
        assert "style=" not in text, file


@pytest.fixture
def records() -> Iterator[list[structlog.types.EventDict]]:
    """What is logged."""
    with structlog.testing.capture_logs() as captured:
        yield captured


def test_logs_hold_no_address_parts_and_no_tokens(
    records: list[structlog.types.EventDict], client: TestClient
) -> None:
    client.post("/api/people", json={"email": "someone@d.example", "name": "Someone", "role": "reader"})
    client.post("/api/people/p-12345678/retire")
    said = json.dumps(records)
    assert "/api/people/{person}/retire" in said
    for secret in ("p-12345678", "someone", "Someone", client.headers["Authorization"].split()[1]):
        assert secret not in said


def test_what_is_written_to_the_log_repeats_nothing_planted(
    workplace: Workplace, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way to standard error: values in path, query, header, body, cookie and exceptions."""
    planted = "Mustermann-1958-03-02"

    class Told(BaseModel):
        number: int

    @workplace.app.get("/api/broken/{anything}")
    def broken(anything: str, session: Reading) -> None:
        try:
            Told.model_validate({"number": anything})
        except ValueError as error:
            session.execute(text("SELECT :told FROM nowhere"), {"told": str(error)})

    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs()
    try:
        with workplace.client() as browser:
            browser.get(f"/api/broken/{planted}?name={planted}", headers={"X-Name": planted})
            browser.post("/api/people", content=planted, headers={"Authorization": f"Bearer {planted}"})
            browser.post("/auth/callback", data={"assertion": planted, "state": planted})
        logging.getLogger("elsewhere").warning("kept")
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    failed = next(line for line in lines if line["event"] == "request failed")
    assert [said.split(" at ")[0] for said in failed["exception"]][-1] == "ValidationError"
    assert "/api/broken/{anything}" in [line.get("route") for line in lines]
    assert planted not in json.dumps(lines)


def test_metrics_say_where_the_loop_stands(workplace: Workplace, client: TestClient) -> None:
    metrics = client.get("/metrics").text
    for name in ("ledger_last", "guard_up 1.0", "guard_stale 0.0", 'disk_free_bytes{folder="store"}'):
        assert f"discloop_{name}" in metrics
    workplace.fakes.guard.down = True
    assert "discloop_guard_up 0.0" in client.get("/metrics").text


def test_one_act_has_one_id_in_every_service() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    elsewhere = httpx.Client(base_url="http://guard", transport=httpx.MockTransport(answer))
    given = str(uuid.uuid4())
    with structlog.contextvars.bound_contextvars(request_id=given):
        call(elsewhere, "the guard", "GET", "/status")
    call(elsewhere, "the guard", "GET", "/status")
    assert [request.headers.get("x-request-id") for request in seen] == [given, None]


def test_fields_with_telling_names_are_blanked() -> None:
    event = {"api_token": "t", "patient": "p", "task_key": "k", "status": 200, "event": "request"}
    assert without_secrets(logging.getLogger(), "info", event) == {
        "api_token": "-",
        "patient": "-",
        "task_key": "-",
        "status": 200,
        "event": "request",
    }
