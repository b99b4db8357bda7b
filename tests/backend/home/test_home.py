"""The home page shows the loop to those who run it, and readers only their own work."""

from __future__ import annotations

from fastapi.testclient import TestClient

from backend.people.tables import Person
from domain.taxonomy import Plane, Role
from tests.backend.answers import graded
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace


def page(workplace: Workplace, person: Person, path: str = "/") -> str:
    """What somebody sees."""
    with workplace.client() as browser:
        browser.headers["accept"] = "text/html"
        workplace.sign_in(browser, person)
        answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    html: str = answer.text
    return html


def test_says_what_to_do_next_at_every_step(workplace: Workplace) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    assert "No study is here yet" in page(workplace, engineer)
    workplace.ingest(a_study(1))
    assert "needs two readers" in page(workplace, engineer)
    for name in ("reader-1", "reader-2"):
        workplace.add_person(Role.READER, name)
    assert "1 study waits for readers" in page(workplace, engineer)
    workplace.plan(seed=1)
    workplace.work("projection", "proposals", "provisioning")
    assert "Nothing needs you now" in page(workplace, engineer)


def test_jobs_in_trouble_are_shown(workplace: Workplace) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    workplace.fakes.guard.down = True
    workplace.job("outbox")
    assert "Label Studio&#39;s guard does not answer" in page(workplace, engineer)


def test_a_reader_sees_their_own_work_only(workplace: Workplace) -> None:
    assignments = workplace.ready(a_study(1), a_study(2))
    mine = next(one for one in assignments if one.plane is Plane.SAGITTAL)
    with workplace.database.reading() as session:
        reader = session.get_one(Person, mine.reader)
        other = next(session.get_one(Person, one.reader) for one in assignments if one.reader != reader.id)
    workplace.fakes.guard.save(task_key=mine.key, project_key=mine.project, author=reader.id, result=graded())
    workplace.work("outbox")
    seen = page(workplace, reader)
    assert "<strong>1</strong> of 2 read" in seen
    assert "Continue reading" in seen
    theirs = {one.project for one in assignments if one.reader == other.id}
    numbers = {workplace.fakes.guard._number(project) for project in theirs}
    for hidden in (other.name, other.id, "study-", "unaided", *(f"/projects/{n}/" for n in numbers)):
        assert hidden not in seen
    for path in ("/people", "/worklists", "/readings", "/api/status", "/api/readings", "/api/audit"):
        with workplace.client() as browser:
            workplace.sign_in(browser, reader)
            assert browser.get(path).status_code == 403


def test_status_for_the_command_line(workplace: Workplace, client: TestClient) -> None:
    workplace.ready(a_study(1))
    status = client.get("/api/status").json()
    stages = {stage["key"]: (stage["done"], stage["total"]) for stage in status["stages"]}
    assert stages["studies"] == (1, None)
    assert stages["proposals"] == (2, 2)
    assert stages["worklists"] == (4, 4)
    assert stages["readings"] == (0, 2)
    jobs = {job["name"]: job["healthy"] for job in status["jobs"]}
    assert jobs["projection"]
    assert not jobs["outbox"], "not begun"


def test_pages_of_lists(workplace: Workplace) -> None:
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    assert "There is nothing to read yet" in page(workplace, engineer, "/worklists")
    assert "No reading has come in yet" in page(workplace, engineer, "/readings")
    assignments = workplace.ready(a_study(1))
    one = next(one for one in assignments if one.plane is Plane.SAGITTAL)
    workplace.fakes.guard.save(
        task_key=one.key, project_key=one.project, author=one.reader, result=graded(comment="a secret word")
    )
    workplace.work("outbox")
    assert "reader-1" in page(workplace, engineer, "/worklists")
    listed = page(workplace, engineer, "/readings")
    assert "study-0001-sagittal" in listed
    assert "secret word" not in listed
    assert one.arm.value not in listed.replace("unaided units", "")
