"""Which background jobs a process may lead."""

from __future__ import annotations

import pytest

from backend.settings import Settings


@pytest.mark.parametrize(
    ("jobs", "rounds", "outbox"),
    [("all", True, True), ("rounds", True, False), ("-rounds", False, True), ("rounds,outbox", True, True)],
)
def test_the_jobs_named_are_led(jobs: str, rounds: bool, outbox: bool) -> None:
    settings = Settings.model_construct(jobs=jobs)
    assert (settings.leads("rounds"), settings.leads("outbox")) == (rounds, outbox)
