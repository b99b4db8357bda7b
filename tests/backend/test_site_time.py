"""Moments are stored in UTC and shown in the site's time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from backend.pages import moment
from backend.settings import Settings
from domain.taxonomy import Role
from tests.backend.workplace import Workplace


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A site far from Greenwich."""
    return settings.model_copy(update={"timezone": "Asia/Kolkata"})


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-01-15 20:00 UTC"),
        ("Europe/Zurich", "2026-01-15 21:00 CET"),
        ("Asia/Shanghai", "2026-01-16 04:00 CST"),
    ],
)
def test_a_moment_names_its_zone(zone: str, shown: str) -> None:
    assert moment(datetime(2026, 1, 15, 20, 0, tzinfo=UTC), zone) == shown


def test_pages_show_the_sites_time_and_programs_get_utc(workplace: Workplace, client: TestClient) -> None:
    workplace.add_person(Role.READER, "reader-1")
    at = workplace.clock()
    page = client.get("/people", headers={"Accept": "text/html"}).text
    assert moment(at, "Asia/Kolkata") in page
    assert moment(at) not in page
    (told,) = client.get("/api/people").json()
    assert datetime.fromisoformat(told["created_at"]) == at
