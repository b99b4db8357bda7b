"""How many revisions a second the ledger takes, beside 10,000 that are there, on SQLite and on Postgres."""

from __future__ import annotations

from time import perf_counter, process_time
from typing import Any

from sqlmodel import func, select

from backend.readings.tables import Revision
from backend.worklists.tables import Assignment
from benchmarks.reading_room import databases, fill, workplace
from domain.taxonomy import Plane
from tests.backend.answers import graded
from tests.backend.workplace import Workplace

REVISIONS = 2_000
LEAST = 50
"""Revisions a second."""


def measure() -> dict[str, Any]:
    """Revisions a second by store: read from the outbox in pages, decoded, written, committed to the disk.

    `processor_seconds` is this process's part: SQLite's work is in it, Postgres' is not.
    """
    found: dict[str, Any] = {"revisions": REVISIONS, "least_a_second": LEAST}
    with databases() as addresses:
        for name, address in addresses.items():
            with workplace(address) as place:
                fill(place)
                found[name] = _of_store(place)
    return found


def _of_store(place: Workplace) -> dict[str, float]:
    statement = select(Assignment).where(Assignment.plane == Plane.SAGITTAL).order_by(Assignment.key)
    for number, one in enumerate(place.rows(statement.limit(REVISIONS)), start=1):
        place.fakes.guard.save(
            task_key=one.key,
            project_key=one.project,
            author=one.reader,
            result=graded(3, 4, 3, 2, 1 + number % 5),
            annotation=number,
            event="updated",
        )
    before = place.rows(select(func.count()).select_from(Revision))[0]
    start, began = perf_counter(), process_time()
    place.work("outbox")
    seconds, processor = perf_counter() - start, process_time() - began
    taken = place.rows(select(func.count()).select_from(Revision))[0] - before
    if taken != REVISIONS:
        raise RuntimeError(f"{REVISIONS} revisions are expected, the ledger took {taken}")
    return {
        "there_before": before,
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "a_second": round(taken / seconds, 1),
    }
