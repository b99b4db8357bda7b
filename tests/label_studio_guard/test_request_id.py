"""What Label Studio's side logs of a request names it as the backend does."""

from __future__ import annotations

import uuid

import pytest

from tests.label_studio import LabelStudio
from tests.waiting import until

pytestmark = pytest.mark.label_studio


def line_of(label_studio: LabelStudio, request_id: str) -> str:
    """The first line of the log that bears a name."""

    def found() -> str | None:
        lines = label_studio.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line for line in lines if f"[{request_id}]" in line), None)

    return until(found, within_s=10, what=f"a line of {request_id}")


def test_a_line_bears_the_name_that_the_caller_gave(label_studio: LabelStudio) -> None:
    name = str(uuid.uuid4())
    with label_studio.client({"X-Request-ID": name}) as nobody:
        answer = nobody.get("/api/tasks/1/")
    assert answer.headers["X-Request-ID"] == name
    assert "Unauthorized" in line_of(label_studio, name)


@pytest.mark.parametrize("given", [None, "patient Anna Muster", "1" * 400])
def test_what_is_no_name_does_not_get_into_the_log(label_studio: LabelStudio, given: str | None) -> None:
    with label_studio.client({} if given is None else {"X-Request-ID": given}) as nobody:
        answer = nobody.get("/api/tasks/2/")
    made = answer.headers["X-Request-ID"]
    assert str(uuid.UUID(made)) == made
    assert given is None or given not in line_of(label_studio, made)
