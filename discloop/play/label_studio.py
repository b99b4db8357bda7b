"""Label Studio as a person's browser uses it: its sign-in form, a session cookie, its own routes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from domain.errors import DiscLoopError

TIMEOUT_SECONDS = 120.0
PATIENCE_SECONDS = 120.0
"""How long a person tries again while Label Studio is being started anew."""
PAUSE_SECONDS = 0.5
AWAY = (502, 503, 504)
PAGE = 100


@dataclass(frozen=True)
class Task:
    """A task as its reader gets it."""

    id: int
    project: int
    key: str
    predictions: tuple[dict[str, Any], ...]


class PersonAtLabelStudio:
    """One signed-in person."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self._email = email
        self._http = httpx.Client(
            base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False, headers={"Referer": url, "Origin": url}
        )
        self._sign_in(password)

    def __enter__(self) -> PersonAtLabelStudio:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def _sign_in(self, password: str) -> None:
        page = self._reach("GET", "/user/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        form = {"email": self._email, "password": password, "persist_session": "on"}
        if token:
            form["csrfmiddlewaretoken"] = token[1]
        answer = self._reach("POST", "/user/login/", data=form)
        if answer.status_code != 302:
            raise DiscLoopError(f"{self._email}: expected to be signed in, got {answer.status_code}")

    def projects(self) -> list[int]:
        """The numbers of the person's own projects."""
        listed = self._ask("GET", "/api/projects/", params={"page_size": 100})
        return sorted(project["id"] for project in listed["results"])

    def tasks(self, project: int) -> Iterator[Task]:
        """The tasks without an answer of theirs, in the project's order."""
        for page in count(1):
            listed = self._ask(
                "GET", "/api/tasks/", params={"project": project, "page": page, "page_size": PAGE}
            )
            for row in listed["tasks"]:
                if not row["total_annotations"]:
                    task = self._ask("GET", f"/api/tasks/{row['id']}/")
                    yield Task(task["id"], project, task["data"]["key"], tuple(task.get("predictions", ())))
            if page * PAGE >= listed["total"]:
                return

    def everything(self, project: int) -> list[Any]:
        """The project's tasks with all that Label Studio gives its member."""
        listed = self._ask("GET", "/api/tasks/", params={"project": project, "page_size": PAGE})
        return [self._ask("GET", f"/api/tasks/{row['id']}/") for row in listed["tasks"]]

    def look(self, task: Task, number: int) -> int:
        """Fetch a slice as the reading page does; its size in bytes."""
        path = f"/discloop/slices/{task.project}/{task.key}/{number}"
        answer = self._reach("GET", path)
        if not answer.is_success:
            raise DiscLoopError(f"GET {path}: {answer.status_code}")
        return len(answer.content)

    def submit(self, task: Task, result: list[dict[str, Any]], lead_time_s: float) -> int:
        """Submit a reading; the annotation's number."""
        body = {"result": result, "lead_time": round(lead_time_s, 3)}
        answer = self._send("POST", f"/api/tasks/{task.id}/annotations/", json=body)
        if answer.status_code == 409:  # it was kept, and only the answer was lost
            (saved,) = self._ask("GET", f"/api/tasks/{task.id}/")["annotations"]
        else:
            saved = _decoded(answer)
        number: int = saved["id"]
        return number

    def update(self, annotation: int, result: list[dict[str, Any]], lead_time_s: float) -> None:
        """Submit a correction of an own reading."""
        body = {"result": result, "lead_time": round(lead_time_s, 3)}
        self._ask("PATCH", f"/api/annotations/{annotation}/", json=body)

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        return _decoded(self._send(method, path, **content))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        token = self._http.cookies.get("csrftoken")
        headers = {"X-CSRFToken": token} if token else {}
        return self._reach(method, path, headers=headers, **content)

    def _reach(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Ask, and again while there is no answer: whatever is asked here may be asked twice."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._http.request(method, path, **content)
                if answer.status_code not in AWAY or time.monotonic() > deadline:
                    return answer
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise DiscLoopError(f"{method} {path}: no answer ({error})") from error
            time.sleep(PAUSE_SECONDS)


def _decoded(answer: httpx.Response) -> Any:
    if not answer.is_success:
        request = answer.request
        raise DiscLoopError(f"{request.method} {request.url.path}: {answer.status_code}: {answer.text[:400]}")
    return answer.json()
