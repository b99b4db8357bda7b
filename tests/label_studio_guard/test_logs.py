"""What Label Studio's process writes to its log of names, passwords and tokens sent to it."""

from __future__ import annotations

import logging
import re

import pytest

from label_studio_guard.request_id import Named
from tests.label_studio import LabelStudio
from tests.label_studio_guard.test_request_id import line_of

PLANTED = "Mustermann-1958-03-02"


def test_of_an_exception_the_log_says_what_and_where() -> None:
    try:
        try:
            int(PLANTED)
        except ValueError as error:
            raise RuntimeError(str(error)) from error
    except RuntimeError as error:
        told = (RuntimeError, error, error.__traceback__)
    record = logging.LogRecord("elsewhere", logging.ERROR, __file__, 1, "no: %s", (PLANTED,), told)
    assert Named().filter(record)
    assert Named().filter(record)
    line = logging.Formatter("[%(request_id)s] %(message)s").format(record)
    assert line.startswith("[-] failed: RuntimeError at test_logs.py:")
    assert "ValueError at test_logs.py:" in line
    assert PLANTED not in line


@pytest.mark.label_studio
def test_what_is_written_to_the_log_repeats_nothing_planted(label_studio: LabelStudio) -> None:
    label_studio.put_projection(people=[], projects=[])
    json = {"content-type": "application/json"}
    with label_studio.client() as nobody:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', nobody.get("/user/login/").text)
        assert token is not None
        form = {"email": f"{PLANTED}@d.example", "password": PLANTED, "csrfmiddlewaretoken": token[1]}
        assert nobody.post("/user/login/", data=form, headers={"Origin": label_studio.url}).status_code == 200
        nobody.get(f"/api/projects/?title={PLANTED}", headers={"Authorization": f"Token {PLANTED}"})
        nobody.get(f"/discloop/slices/1/{PLANTED}/0")
        nobody.get(f"/discloop/slices/1/..%2f{PLANTED}.png/0", headers={"Cookie": f"sessionid={PLANTED}"})
        nobody.get(f"/{PLANTED}.php?name={PLANTED}")
        nobody.get("/user/login/", headers={"Host": f"{PLANTED}_.example"})
    with label_studio.control() as control:
        control.post("/discloop/control/people", json={"people": PLANTED})
        control.put("/discloop/control/projection", content=f'{{"a": "{PLANTED}', headers=json)
        control.get(f"/discloop/control/{PLANTED}", params={"after": PLANTED})
    with label_studio.service() as service:
        service.post("/api/projects/999/import", json=[{"data": {"slices": [PLANTED]}}])
        service.post("/api/tasks/", content=f'{{"data": "{PLANTED}'.encode() + b"\xff", headers=json)
        refused = service.get("/api/tasks/99999999/")
    assert refused.status_code in (403, 404), "what is answered well leaves no line to wait for"
    line_of(label_studio, refused.headers["X-Request-ID"])
    assert PLANTED not in label_studio.log.read_text(encoding="utf-8", errors="replace")
