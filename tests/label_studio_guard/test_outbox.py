"""Every revision leaves by the outbox, once, in order; also when the server is killed while it saves."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
import threading
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.outside.label_studio import SdkLabelStudio
from tests import soaking
from tests.label_studio import LabelStudio, prepared_label_studio, project_of, reader

pytestmark = pytest.mark.label_studio

PERSON = "p-000000c1"
EMAIL = f"{PERSON}@discloop.example"
WRITERS = 3


def reading(word: str) -> list[dict[str, Any]]:
    about = {"to_name": "slices"}
    return [
        {"id": "q", "type": "choices", "from_name": "quality", "value": {"choices": ["unreadable"]}} | about,
        {"id": "c", "type": "textarea", "from_name": "comment", "value": {"text": [word]}} | about,
    ]


def digest(result: object) -> str:
    """As the contract says: keys sorted, no spaces, UTF-8."""
    text = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def with_tasks(site: LabelStudio, count: int) -> list[int]:
    """A reader, their project and so many tasks."""
    site.put_projection(people=[reader(PERSON)], projects=[project_of(PERSON)])
    site.set_password(PERSON)
    project = site.projects[f"reading-{PERSON}-sagittal"]
    tasks = [{"data": {"key": f"{'k' * 20}{number:04}", "image": "/x"}} for number in range(count)]
    return site.import_tasks(project, tasks)


def test_each_revision_is_an_entry(label_studio: LabelStudio) -> None:
    (task,) = with_tasks(label_studio, 1)
    earlier = len(label_studio.outbox())
    with label_studio.sign_in(EMAIL) as client:
        made = client.post(
            f"/api/tasks/{task}/annotations/", json={"result": reading("één"), "lead_time": 4.5}
        )
        number = made.json()["id"]
        client.patch(f"/api/annotations/{number}/", json={"result": reading("two")})
        client.patch(f"/api/annotations/{number}/", json={"result": reading("two")})
        refused = client.patch(f"/api/annotations/{number}/", json={"result": [{"type": "nonsense"}]})
        assert refused.status_code == 400
    first, second = label_studio.outbox()[earlier:]
    assert (first["event"], second["event"]) == ("created", "updated")
    assert second["id"] == first["id"] + 1
    assert first["result"] == reading("één")
    assert first["sha256"] == digest(reading("één"))
    assert second["sha256"] == digest(reading("two"))
    assert first["epoch"] == second["epoch"] == str(uuid.UUID(first["epoch"]))
    assert first["lead_time_s"] == 4.5
    for entry in (first, second):
        assert entry["actor"] == entry["author"] == PERSON
        assert (entry["annotation"], entry["task"]) == (number, task)
        assert entry["project_key"] == f"reading-{PERSON}-sagittal"
        assert entry["task_key"] == "k" * 20 + "0000"
        assert not entry["cancelled"]
        assert entry["at"].endswith("Z")


def test_a_task_can_be_withdrawn_that_nobody_answered_and_no_other(label_studio: LabelStudio) -> None:
    answered, open_one = with_tasks(label_studio, 2)
    with label_studio.sign_in(EMAIL) as client:
        made = client.post(f"/api/tasks/{answered}/annotations/", json={"result": reading("one")})
        assert made.status_code == 201
        assert client.delete(f"/api/tasks/{open_one}/").status_code == 403
        with closing(SdkLabelStudio(label_studio.url, label_studio.service_token)) as backend:
            for task in (answered, open_one, open_one):
                backend.withdraw(task)
        assert client.get(f"/api/tasks/{answered}/").status_code == 200
        assert client.get(f"/api/tasks/{open_one}/").status_code == 403


def test_a_reading_that_arrives_twice_is_kept_once(label_studio: LabelStudio) -> None:
    (task,) = with_tasks(label_studio, 1)
    earlier = len(label_studio.outbox())
    with label_studio.sign_in(EMAIL) as client:
        path, body = f"/api/tasks/{task}/annotations/", {"result": reading("once")}
        assert client.post(path, json=body).status_code == 201
        again = client.post(path, json=body)
        assert again.status_code == 409
        assert "submitted before" in again.json()["detail"]
    assert len(label_studio.outbox()) == earlier + 1


def test_the_cursor_serves_every_entry_once(label_studio: LabelStudio) -> None:
    tasks = with_tasks(label_studio, 7)
    start = max((entry["id"] for entry in label_studio.outbox()), default=0)
    with label_studio.sign_in(EMAIL) as client:
        for task in tasks:
            client.post(f"/api/tasks/{task}/annotations/", json={"result": reading(str(task))})
    with label_studio.control() as control:
        served: list[int] = []
        while True:
            after = served[-1] if served else start
            page = control.get("/discloop/control/outbox", params={"after": after, "limit": 3}).json()
            served += [entry["id"] for entry in page["entries"]]
            if not page["entries"]:
                break
    assert served == list(range(start + 1, start + 8))
    assert page["last"] == served[-1]


@pytest.mark.soak
def test_a_killed_server_leaves_outbox_and_annotations_equal(tmp_path: Path) -> None:
    site = prepared_label_studio(tmp_path)
    chance = random.Random(soaking.seed())
    for kill in range(soaking.times(in_test=2, in_soak=40)):
        site.start()
        try:
            tasks = with_tasks(site, 40)
            acknowledged = save_until_killed(site, tasks, kill_after=chance.randint(1, 25))
        finally:
            site.kill()
        compare(site, acknowledged, f"kill {kill}")


def save_until_killed(site: LabelStudio, tasks: list[int], kill_after: int) -> dict[int, str]:
    """Save and change readings from several threads until the server is gone; what it said was saved."""
    acknowledged: dict[int, str] = {}
    saved = threading.Semaphore(0)
    queue = list(tasks)

    def write() -> None:
        with site.sign_in(EMAIL) as client:
            ready.wait()
            try:
                while queue:
                    _save(client, queue.pop(), acknowledged, saved)
            except httpx.TransportError:
                return

    ready = threading.Barrier(WRITERS + 1)
    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    ready.wait(timeout=60)
    for _ in range(kill_after):
        assert saved.acquire(timeout=60)
    site.kill()
    for thread in threads:
        thread.join(timeout=60)
    return acknowledged


def _save(client: httpx.Client, task: int, acknowledged: dict[int, str], saved: threading.Semaphore) -> None:
    made = client.post(f"/api/tasks/{task}/annotations/", json={"result": reading(f"first {task}")})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    acknowledged[number] = f"first {task}"
    saved.release()
    changed = client.patch(f"/api/annotations/{number}/", json={"result": reading(f"second {task}")})
    assert changed.status_code == 200, changed.text
    acknowledged[number] = f"second {task}"
    saved.release()


def compare(site: LabelStudio, acknowledged: dict[int, str], when: str) -> None:
    """The last entry of every annotation is the annotation; nothing acknowledged is missing."""
    path = Path(site.environment["LABEL_STUDIO_BASE_DATA_DIR"]) / "label_studio.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        annotations = dict(connection.execute("SELECT id, result FROM task_completion"))
        entries = connection.execute(
            "SELECT id, annotation, event, sha256 FROM label_studio_guard_outboxentry ORDER BY id"
        ).fetchall()
        last = connection.execute("SELECT last FROM label_studio_guard_outboxstate").fetchone()[0]
    assert [entry[0] for entry in entries] == list(range(1, last + 1)), when
    latest = {annotation: sha256 for _, annotation, _, sha256 in entries}
    assert latest == {number: digest(json.loads(result)) for number, result in annotations.items()}, when
    created = [annotation for _, annotation, event, _ in entries if event == "created"]
    assert len(created) == len(set(created)) == len(annotations), when
    for number, word in acknowledged.items():
        kept = {sha256 for _, annotation, _, sha256 in entries if annotation == number}
        assert digest(reading(word)) in kept, when
