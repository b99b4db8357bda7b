"""Who leaves is replaced: what was read keeps its author, and nobody gets a unit for the second time."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from backend.adjudications.tables import Adjudication
from backend.audit.tables import AuditEntry
from backend.people.tables import Person
from backend.worklists.tables import Assignment, Selection
from domain.taxonomy import Role
from tests.backend.loop import AGREED, TO_CONSENSUS, adjudications, read, read_all, with_adjudicator
from tests.backend.stores import a_study
from tests.backend.worklists.test_repeats import read_long_ago, repeats
from tests.backend.workplace import Workplace, csrf_of

LOOP = ("outbox", "comparisons", "projection", "proposals", "provisioning", "adjudications", "decisions")


def person_named(workplace: Workplace, name: str) -> Person:
    found: list[Person] = workplace.rows(select(Person).where(Person.name == name))
    return found[0]


def replace(client: TestClient, leaver: Person, substitute: Person) -> dict[str, int]:
    answer = client.post(f"/api/people/{leaver.id}/replace", json={"substitute": substitute.id})
    assert answer.status_code == 200, answer.text
    done: dict[str, int] = answer.json()
    return done


def read_some(workplace: Workplace, draw: random.Random) -> None:
    """Whoever is active signs some of what is before them."""
    active = {one.id for one in workplace.rows(select(Person)) if one.active}
    for one in workplace.assignments():
        if one.reader in active and one.task and one.first_signed_at is None and draw.random() < 0.5:
            grades = AGREED if draw.random() < 0.3 else (3, 5, 3, 2, 1)
            read(workplace, one, *grades)
    workplace.work(*LOOP)


def signed(workplace: Workplace) -> dict[str, str]:
    """Who signed what, by task key."""
    return {one.key: one.reader for one in workplace.assignments() if one.first_signed_at}


def problems(workplace: Workplace) -> Iterator[str]:
    """What may never be, and is."""
    ours = [one for one in workplace.assignments() if one.selection is not Selection.BLANK]
    readers: dict[str, list[str]] = {}
    for one in ours:
        readers.setdefault(one.unit, []).append(one.reader)
    for unit, pair in readers.items():
        if len(pair) != 2 or len(set(pair)) != 2:
            yield f"{unit} is read by {pair}"
    for given in workplace.rows(select(Adjudication)):
        if given.adjudicator in readers[given.unit]:
            yield f"{given.unit} is decided by {given.adjudicator}, who read it"
    tasks = Counter(
        task.data["key"] for held in workplace.fakes.label_studio.held.values() for _, task in held
    )
    if any(n > 1 for n in tasks.values()):
        yield "a task is there twice"


@pytest.mark.parametrize("seed", range(2))
def test_whatever_happens_pairs_stay_pairs_and_readings_stay_their_authors(
    workplace: Workplace, client: TestClient, seed: int
) -> None:
    draw = random.Random(seed)
    people = [workplace.add_person(Role.READER, f"reader-{n}") for n in range(5)]
    people += [workplace.add_person(Role.ADJUDICATOR, f"adjudicator-{n}") for n in range(3)]
    workplace.ingest(*(a_study(number, axial=False) for number in range(1, 9)))
    workplace.plan(seed=seed)
    workplace.work(*LOOP)
    for _ in range(3):
        read_some(workplace, draw)
        before, units = signed(workplace), len(workplace.assignments())
        leaver = draw.choice(people)
        substitute = draw.choice([one for one in people if one.role is leaver.role and one.id != leaver.id])
        unread = sum(one.reader == leaver.id and not one.first_signed_at for one in workplace.assignments())
        done = replace(client, leaver, substitute)
        people.remove(leaver)
        workplace.work(*LOOP)
        if leaver.role is Role.READER:
            assert done["moved"] + done["stayed"] == unread
        assert before.items() <= signed(workplace).items()
        assert len(workplace.assignments()) == units
        assert list(problems(workplace)) == []
    assert client.get("/api/audit/verify").json()["intact"]


def test_what_the_substitute_reads_already_stays_for_another(
    workplace: Workplace, client: TestClient
) -> None:
    workplace.ready(*(a_study(number, axial=False) for number in range(1, 4)))
    first, second = (person_named(workplace, name) for name in ("reader-1", "reader-2"))
    assert replace(client, first, second) == {"moved": 0, "stayed": 3, "withdrawn": 0}
    third = workplace.add_person(Role.READER, "reader-3")
    before = {one.unit: one for one in workplace.assignments() if one.reader == first.id}
    assert replace(client, first, third) == {"moved": 3, "stayed": 0, "withdrawn": 0}
    after = {one.unit: one for one in workplace.assignments() if one.reader == third.id}
    assert {unit: (one.arm, one.shown) for unit, one in after.items()} == {
        unit: (one.arm, one.shown) for unit, one in before.items()
    }
    assert {one.key for one in after.values()}.isdisjoint(one.key for one in before.values())
    workplace.work("projection", "provisioning")
    assert all(one.task for one in workplace.assignments())
    acts = [entry for entry in workplace.rows(select(AuditEntry)) if entry.action == "person.replaced"]
    assert [entry.subject for entry in acts] == [first.id, first.id]


def test_what_is_signed_and_on_its_way_is_waited_for(workplace: Workplace, client: TestClient) -> None:
    workplace.ready(a_study(1, axial=False))
    third = workplace.add_person(Role.READER, "reader-3")
    mine = workplace.assignments()[0]
    read(workplace, mine, *AGREED)
    answer = client.post(f"/api/people/{mine.reader}/replace", json={"substitute": third.id})
    assert (answer.status_code, "on their way" in answer.text) == (409, True)
    workplace.work("outbox")
    leaver = workplace.rows(select(Person).where(Person.id == mine.reader))[0]
    assert not leaver.active
    assert replace(client, leaver, third)["moved"] == 0
    assert signed(workplace) == {mine.key: leaver.id}


def test_a_hidden_repeat_is_taken_back(workplace: Workplace, client: TestClient) -> None:
    read_long_ago(workplace)
    workplace.plan(seed=4)
    third = workplace.add_person(Role.READER, "reader-3")
    first = person_named(workplace, "reader-1")
    assert replace(client, first, third) == {"moved": 0, "stayed": 0, "withdrawn": 3}
    assert {one.reader for one in repeats(workplace)} == {person_named(workplace, "reader-2").id}


def test_an_adjudicator_gets_no_unit_that_they_read(workplace: Workplace, client: TestClient) -> None:
    with_adjudicator(workplace, 2)
    read_all(workplace, {f"study-{n:04d}-sagittal": (3, 5, 3, 2, 1) for n in (1, 2)})
    workplace.work(*TO_CONSENSUS)
    leaver = person_named(workplace, "adjudicator")
    other, former = (workplace.add_person(Role.ADJUDICATOR, name) for name in ("other", "former-reader"))
    with workplace.write() as session:
        one = session.exec(
            select(Assignment).where(Assignment.unit == "study-0001-sagittal").order_by(Assignment.key)
        ).first()
        assert one is not None
        one.reader = former.id
    assert replace(client, leaver, former) == {"moved": 1, "stayed": 1, "withdrawn": 0}
    assert replace(client, leaver, other) == {"moved": 1, "stayed": 0, "withdrawn": 0}
    workplace.work("projection", "adjudications")
    given = {one.unit: one for one in adjudications(workplace)}
    assert given["study-0001-sagittal"].adjudicator == other.id
    assert given["study-0002-sagittal"].adjudicator == former.id
    assert all(one.task for one in given.values())


@pytest.mark.parametrize("who", ["themselves", "of another role", "retired", "nobody"])
def test_a_substitute_has_to_be_one(workplace: Workplace, client: TestClient, who: str) -> None:
    workplace.ready(a_study(1, axial=False))
    first, second = (person_named(workplace, name) for name in ("reader-1", "reader-2"))
    client.post(f"/api/people/{second.id}/retire")
    other = workplace.add_person(Role.ADJUDICATOR, "adjudicator")
    given = {
        "themselves": first.id,
        "of another role": other.id,
        "retired": second.id,
        "nobody": "p-00000000",
    }
    answer = client.post(f"/api/people/{first.id}/replace", json={"substitute": given[who]})
    assert answer.status_code == (404 if who == "nobody" else 409)
    assert person_named(workplace, "reader-1").active


def test_by_the_page_as_the_lead(workplace: Workplace) -> None:
    workplace.ready(a_study(1, axial=False))
    lead, third = workplace.add_person(Role.LEAD, "lead"), workplace.add_person(Role.READER, "reader-3")
    engineer = workplace.add_person(Role.ENGINEER, "engineer")
    with workplace.client(follow=True) as browser:
        browser.headers["accept"] = "text/html"
        browser.follow_redirects = False
        workplace.sign_in(browser, lead)
        page = browser.get("/people").text
        token = csrf_of(page)
        form = {"csrf": token, "leaver": person_named(workplace, "reader-1").id, "substitute": third.id}
        assert "1 unread unit is on the substitute" in browser.post("/people/replace", data=form).text
        assert f"/people/{engineer.id}/retire" not in page
        for act in ("retire", "password", "sign-out"):
            assert browser.post(f"/people/{engineer.id}/{act}", data={"csrf": token}).status_code == 403
        new = {"csrf": token, "email": "a@discloop.example", "name": "A", "role": "engineer"}
        assert browser.post("/people", data=new).status_code == 403
        assert browser.post("/people", data=new | {"role": "reader"}).status_code == 200
