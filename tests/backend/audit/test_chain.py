"""The audit trail shows when it was changed."""

from __future__ import annotations

from fastapi.testclient import TestClient
from sqlalchemy import text

from backend.audit import service
from backend.database import Database
from tests.backend.workplace import BY, Workplace


def test_acts_are_chained(workplace: Workplace, client: TestClient) -> None:
    assert client.get("/api/audit/verify").json()["intact"] is True
    for number in range(3):
        client.post("/api/people", json={"email": f"r{number}@d.example", "name": "R", "role": "reader"})
    verified = client.get("/api/audit/verify").json()
    entries = client.get("/api/audit").json()
    assert (verified["intact"], verified["entries"]) == (True, 3)
    assert verified["head"] == entries[0]["hash"]
    assert [entry["action"] for entry in entries] == ["person.added"] * 3
    assert entries[0]["previous"] == entries[1]["hash"]


def test_a_change_past_the_triggers_breaks_the_chain(workplace: Workplace, client: TestClient) -> None:
    with workplace.write() as session:
        for number in range(4):
            service.record(session, "tested", subject=str(number), by=BY, clock=workplace.clock)
    _drop_triggers(workplace.database)
    with workplace.write() as session:
        session.connection().execute(text("UPDATE audit_entry SET actor = 'somebody' WHERE subject = '2'"))
    verified = client.get("/api/audit/verify").json()
    assert (verified["intact"], verified["entries"]) == (False, 3)


def test_a_removed_entry_breaks_the_chain(workplace: Workplace, client: TestClient) -> None:
    with workplace.write() as session:
        for number in range(4):
            service.record(session, "tested", subject=str(number), by=BY, clock=workplace.clock)
    _drop_triggers(workplace.database)
    with workplace.write() as session:
        session.connection().execute(text("DELETE FROM audit_entry WHERE subject = '1'"))
    assert client.get("/api/audit/verify").json()["intact"] is False


def _drop_triggers(database: Database) -> None:
    with database.writing() as session:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            for act in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER audit_entry_no_{act}"))
        else:
            connection.execute(text("DROP TRIGGER audit_entry_append_only ON audit_entry"))
