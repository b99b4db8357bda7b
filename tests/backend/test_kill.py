"""Nothing lost: a backend that is killed at random moments ends with a complete ledger without doubles."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlmodel import Session, col, func, select

from backend.readings.content import canonical
from backend.readings.tables import OutboxCursor, Revision
from backend.worklists.tables import Assignment
from domain.taxonomy import Plane
from tests.backend.answers import graded
from tests.backend.fakes import FakeGuard
from tests.backend.guard_server import serve_guard
from tests.backend.processes import backend_process, wait_until_live
from tests.backend.stores import a_study
from tests.backend.workplace import Workplace
from tests.soaking import seed, times
from tests.waiting import until

READINGS_A_SECOND = 20
LONGEST_LIFE_S = 0.6
WITHIN_S = 120


@contextmanager
def readers_at_work(guard: FakeGuard, assignments: list[Assignment]) -> Iterator[None]:
    """Readers submit and correct without a pause, until the end of the block."""
    enough = threading.Event()
    draw = random.Random(seed())

    def read() -> None:
        while not enough.wait(1 / READINGS_A_SECOND):
            one = draw.choice(assignments)
            grades = [draw.randint(1, 5) for _ in range(5)]
            guard.save(task_key=one.key, project_key=one.project, author=one.reader, result=graded(*grades))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def count(workplace: Workplace) -> int:
    """Revisions in the ledger, as another connection sees them."""
    with workplace.database.reading() as session:
        return session.exec(select(func.count()).select_from(Revision)).one()


@pytest.mark.soak
def test_a_killed_backend_loses_and_doubles_nothing(workplace: Workplace, tmp_path: Path) -> None:
    on_sqlite = workplace.settings.database_url.startswith("sqlite")
    kills = times(in_test=10 if on_sqlite else 3, in_soak=100)
    draw = random.Random(seed())
    sagittal = [one for one in workplace.ready(a_study(1), a_study(2)) if one.plane is Plane.SAGITTAL]
    workplace.runner.stop()
    guard = workplace.fakes.guard
    log = tmp_path / "backend.log"
    with serve_guard(guard, workplace.settings.guard_secret.get_secret_value()) as address:
        told = {"label_studio_url": address, "run_jobs": "true", "job_lease_s": "1"}
        with readers_at_work(guard, sagittal):
            for _ in range(kills):
                with backend_process(workplace.settings, log, **told) as (process, _):
                    wait_for_more(workplace, log)
                    threading.Event().wait(draw.uniform(0, LONGEST_LIFE_S))
                    process.kill()
        with backend_process(workplace.settings, log, **told) as (process, backend):
            wait_until_live(process, backend)
            assert httpx.get(f"{backend}/api/readings").status_code == 401
            everything = len(guard.entries)
            until(lambda: count(workplace) >= everything, within_s=WITHIN_S, what="the ledger is complete")
            process.terminate()
            # uvicorn ends by the signal it was sent, once everything is closed.
            assert process.wait(timeout=30) in (0, -signal.SIGTERM), log.read_text()[-2000:]
    with workplace.database.reading() as session:
        check_ledger(session, guard)


def wait_for_more(workplace: Workplace, log: Path) -> None:
    """Until revisions come in."""
    before = count(workplace)
    until(lambda: count(workplace) > before, within_s=WITHIN_S, what=f"it reads; {log.read_text()[-2000:]}")


def check_ledger(session: Session, guard: FakeGuard) -> None:
    """Every entry once, in order, unchanged; numbers without gaps."""
    revisions = list(session.exec(select(Revision).order_by(col(Revision.id))))
    assert [one.outbox_id for one in revisions] == [entry.id for entry in guard.entries]
    assert [one.body for one in revisions] == [canonical(entry.result) for entry in guard.entries]
    reached: Counter[str | None] = Counter()
    for one in revisions:
        reached[one.task_key] += 1
        assert (one.state, one.number) == ("signed", reached[one.task_key])
    assert session.get_one(OutboxCursor, 1).last == guard.entries[-1].id
    assert session.exec(select(func.count(func.distinct(Revision.outbox_id)))).one() == len(revisions)
