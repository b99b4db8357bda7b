"""Two readers with everything a reader can have, A's planted with words that B must never see.

Also runs inside Label Studio's process, with the Python of `.venv-ls`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Protocol

import httpx

A, B = "p-0000000a", "p-0000000b"
CONFIG = (
    '<View><Image name="slices" value="$image"/>'
    '<RectangleLabels name="finding" toName="slices"><Label value="disc"/></RectangleLabels></View>'
)


class Site(Protocol):
    """What the world needs of `tests.label_studio.LabelStudio`."""

    users: dict[str, int]
    projects: dict[str, int]

    def client(self, headers: dict[str, str] | None = None) -> httpx.Client: ...
    def service(self) -> httpx.Client: ...
    def put_projection(self, *, people: Any, projects: Any) -> Any: ...
    def set_password(self, person: str) -> None: ...
    def sign_in(self, email: str) -> httpx.Client: ...
    def import_tasks(self, project: int, tasks: list[dict[str, Any]]) -> list[int]: ...


@dataclass
class Things:
    """One reader's things, by Label Studio's numbers."""

    user: int
    project: int
    task: int
    second_task: int
    key: str
    annotation: int
    draft: int
    prediction: int
    view: int
    ml_backend: int
    session: httpx.Client


@dataclass
class World:
    """One number names A's thing of every kind, and none of B's."""

    site: Any
    canary: str
    a: Things
    b: Things

    @property
    def words_of_a(self) -> tuple[str, ...]:
        """What only A's things contain."""
        return (self.canary, A, self.a.key)


def person(identifier: str) -> dict[str, Any]:
    """A reader of the projection."""
    return {
        "id": identifier,
        "email": f"{identifier}@discloop.example",
        "name": f"Reader {identifier}",
        "role": "reader",
        "active": True,
    }


def project(identifier: str) -> dict[str, Any]:
    """Their project."""
    return {
        "key": f"reading-{identifier}",
        "title": f"Sagittal {identifier}",
        "kind": "reading",
        "plane": "sagittal",
        "member": identifier,
        "label_config": CONFIG,
        "active": True,
    }


def reading(word: str) -> list[dict[str, Any]]:
    """A valid reading with a word in its comment."""
    about = {"to_name": "slices"}
    return [
        {"id": "q", "type": "choices", "from_name": "quality", "value": {"choices": ["unreadable"]}} | about,
        {"id": "c", "type": "textarea", "from_name": "comment", "value": {"text": [word]}} | about,
    ]


def proposal(word: str) -> list[dict[str, Any]]:
    """A prediction's regions with a word in them."""
    value = {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 0, "rectanglelabels": ["disc"]}
    region = {
        "id": word,
        "type": "rectanglelabels",
        "from_name": "finding",
        "to_name": "slices",
        "value": value,
    }
    return [region | {"original_width": 100, "original_height": 100}]


def make_world(site: Site, ml_url: str) -> World:
    """Make both readers and their things, A's first."""
    canary = f"canary{secrets.token_hex(8)}"
    site.put_projection(people=[person(A), person(B)], projects=[project(A), project(B)])
    a = _make_things(site, A, canary, ml_url)
    b = _make_things(site, B, "ordinary", ml_url)
    same = {a.project, a.task, a.annotation, a.draft, a.view, a.ml_backend, a.prediction}
    assert len(same) == 1, f"one number is to name each of A's things, got {same}"
    assert not same & {b.project, b.task, b.second_task, b.annotation, b.draft, b.view, b.ml_backend}
    return World(site, canary, a, b)


def _make_things(site: Site, identifier: str, word: str, ml_url: str) -> Things:
    number = site.projects[f"reading-{identifier}"]
    key = secrets.token_urlsafe(24)
    data = {"image": f"/discloop/slices/{number}/{key}/0", "key": key, "word": word}
    predictions = [{"model_version": "m", "result": proposal(word)}]
    task, second = site.import_tasks(number, [{"data": data, "predictions": predictions}] * 2)
    with site.service() as service:
        body = {"url": ml_url, "project": number, "title": "smart", "is_interactive": True}
        ml_backend = _made(service.post("/api/ml/", json=body))["id"]
        predicted = service.get("/api/predictions/", params={"project": number}).json()
    site.set_password(identifier)
    session = site.sign_in(f"{identifier}@discloop.example")
    annotation = _made(session.post(f"/api/tasks/{task}/annotations/", json={"result": reading(word)}))
    draft = _made(session.post(f"/api/tasks/{second}/drafts", json={"result": reading(word)}))
    view = session.get("/api/dm/views/", params={"project": number}).json()[0]
    return Things(
        user=site.users[identifier],
        project=number,
        task=task,
        second_task=second,
        key=key,
        annotation=annotation["id"],
        draft=draft["id"],
        prediction=predicted[0]["id"],
        view=view["id"],
        ml_backend=ml_backend,
        session=session,
    )


def _made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, f"{answer.request.method} {answer.request.url}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made
