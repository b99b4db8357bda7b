"""The demo's people: two readers, one adjudicator, one engineer, each with a generated password."""

from __future__ import annotations

from dataclasses import dataclass

from discloop import credentials
from discloop.backend_client import BackendClient
from discloop.home import Home
from domain.taxonomy import Role


@dataclass(frozen=True)
class DemoPerson:
    email: str
    name: str
    role: Role


DEMO_PEOPLE = (
    DemoPerson("reader-1@discloop.example", "Reader 1", Role.READER),
    DemoPerson("reader-2@discloop.example", "Reader 2", Role.READER),
    DemoPerson("adjudicator@discloop.example", "Adjudicator", Role.ADJUDICATOR),
    DemoPerson("engineer@discloop.example", "Engineer", Role.ENGINEER),
)


@dataclass(frozen=True)
class SignIn:
    """What is printed for one person."""

    id: str
    email: str
    role: Role
    password: str


def ensure_people(client: BackendClient, home: Home) -> list[SignIn]:
    """Add who is missing and set the kept password for whom this home has none yet."""
    secrets = credentials.load(home.secrets)
    known = {row["email"]: row["id"] for row in client.get("/api/people")}
    sign_ins = []
    for person in DEMO_PEOPLE:
        if person.email not in known:
            new = {"email": person.email, "name": person.name, "role": person.role.value}
            known[person.email] = client.post("/api/people", new)["id"]
        if person.email not in secrets.people:
            password = credentials.password()
            # Final: nobody has to choose another one before they see the demo.
            body = {"password": password, "final": True}
            client.post(f"/api/people/{known[person.email]}/password", body)
            secrets.people[person.email] = password
            secrets.save(home.secrets)
        sign_ins.append(SignIn(known[person.email], person.email, person.role, secrets.people[person.email]))
    return sign_ins
