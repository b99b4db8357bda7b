"""The backend's parts as a test uses them: real database and code, fakes outside, a clock to turn."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import col, select

from backend.access import Actor
from backend.app import create_app
from backend.database import Database
from backend.jobs.runner import Outcome, Runner
from backend.people import service as people
from backend.people.schemas import NewPerson
from backend.people.tables import Person
from backend.resources import Resources
from backend.settings import Settings
from backend.studies import service as studies
from backend.worklists import service as worklists
from backend.worklists.schemas import PlanRequest, PlanSummary
from backend.worklists.tables import Assignment
from domain.manifest import Study
from domain.taxonomy import Role
from tests.backend.fakes import Fakes
from tests.backend.stores import write_store

BY = Actor(id="api", name="API", role=Role.ENGINEER)


class TurnedClock:
    """Shows what the test set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The moment."""
        return self.now

    def turn(self, **by: float) -> None:
        """Forward, as `timedelta` takes it."""
        self.now += timedelta(**by)


class Workplace:
    """One backend process in the test's hands."""

    def __init__(self, settings: Settings, database: Database, fakes: Fakes) -> None:
        self.settings = settings
        self.database = database
        self.fakes = fakes
        self.clock = fakes.guard.clock = TurnedClock()
        self.resources = Resources(settings, database, fakes.outside, self.clock)
        self.app: FastAPI = create_app(settings, resources=self.resources)
        self.runner: Runner = self.app.state.runner
        self.runner.prepare()

    @contextmanager
    def client(self, *, follow: bool = False) -> Iterator[TestClient]:
        """HTTP to this process; redirects are answers unless followed."""
        with TestClient(self.app, follow_redirects=follow, raise_server_exceptions=False) as opened:
            yield opened

    def job(self, name: str) -> Outcome | None:
        """One run of a job."""
        return self.runner.run_once(next(job for job in self.runner.jobs if job.name == name))

    def work(self, *names: str) -> None:
        """Run these jobs in turn until none has anything to do."""
        while any(outcome is not None and outcome.worked for outcome in [self.job(name) for name in names]):
            pass

    def add_person(self, role: Role, name: str) -> Person:
        """Somebody new."""
        new = NewPerson(email=f"{name}@discloop.example", name=name, role=role)
        with self.database.writing() as session:
            return people.add(session, new, by=BY, clock=self.clock)

    def ingest(self, *given: Study) -> None:
        """Studies into store and database."""
        write_store(self.settings.store, *given)
        with self.database.writing() as session:
            studies.ingest(session, self.settings.store, by=BY, clock=self.clock)

    def plan(self, **request: Any) -> PlanSummary:
        """Worklists."""
        with self.database.writing() as session:
            return worklists.plan(session, PlanRequest(**request), by=BY, clock=self.clock)

    def ready(self, *given: Study, seed: int = 1) -> list[Assignment]:
        """Two readers with tasks on these studies."""
        for name in ("reader-1", "reader-2"):
            self.add_person(Role.READER, name)
        self.ingest(*given)
        self.plan(seed=seed)
        self.work("projection", "proposals", "provisioning")
        return self.assignments()

    def assignments(self) -> list[Assignment]:
        """Every assignment, project by project in order."""
        with self.database.reading() as session:
            statement = select(Assignment).order_by(Assignment.project, col(Assignment.position))
            return list(session.exec(statement))

    def rows(self, statement: Any) -> list[Any]:
        """What a statement selects."""
        with self.database.reading() as session:
            return list(session.exec(statement))

    def write(self) -> Any:
        """A writing transaction."""
        return self.database.writing()

    def assertion(
        self, person: Person, began: str, *, key: bytes | None = None, said: Mapping[str, Any] | None = None
    ) -> str:
        """What the guard would issue, with anything said differently."""
        now = self.clock().timestamp()
        payload = {
            "iss": "discloop-guard",
            "aud": self.settings.callback,
            "sub": person.id,
            "role": person.role.value,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
            "state": began,
        } | dict(said or {})
        part = _base64(json.dumps(payload).encode())
        secret = key or self.settings.assertion_key.get_secret_value().encode()
        return f"{part}.{_base64(hmac.new(secret, part.encode(), hashlib.sha256).digest())}"

    def sign_in(self, client: TestClient, person: Person) -> None:
        """Through the front door."""
        started = client.get("/auth/start")
        state = re.search(r"state=([^&]+)", started.headers["location"])
        assert state is not None
        form = {"assertion": self.assertion(person, state[1]), "state": state[1]}
        answer = client.post("/auth/callback", data=form)
        assert answer.status_code == 303, answer.text


def csrf_of(page: str) -> str:
    """The token in a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
