"""Runs the background jobs, each in a thread of its own, each led by one process at a time."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from backend.errors import BackendError
from backend.jobs import repository
from backend.jobs.tables import JobState
from backend.resources import Resources
from domain.errors import DiscLoopError

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S = 60.0
NOTE_EVERY = timedelta(seconds=10)


class LeaseLost(BackendError):
    """Another process leads the job now: this one must leave its work alone."""

    status = 409


@dataclass(frozen=True)
class Outcome:
    """What one run did."""

    worked: bool
    """Whether there was something to do: then the job runs again at once."""
    note: str = ""
    """Progress in words, for the home page."""


IDLE = Outcome(worked=False)
FAILED = Outcome(worked=False, note="failed")


@dataclass(frozen=True)
class JobContext:
    """What a running job may use."""

    resources: Resources
    name: str
    holder: str
    fence: int

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A writing transaction, only while this process leads the job.

        Raises:
            LeaseLost: If it does not any more; nothing is written.
        """
        with self.resources.database.writing() as session:
            if not repository.is_held(session, self.name, self.holder, self.fence):
                raise LeaseLost(f"job {self.name}: another process leads it now")
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with self.resources.database.reading() as session:
            yield session

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.resources.clock()


@dataclass(frozen=True)
class Job:
    """A job: what it is called, how often it looks for work, what one run does."""

    name: str
    title: str
    every_s: float
    run: Callable[[JobContext], Outcome]


class Runner:
    """All jobs of one process."""

    def __init__(self, resources: Resources, jobs: Sequence[Job]) -> None:
        self.resources = resources
        self.jobs = tuple(jobs)
        self.holder = f"{socket.gethostname()[:16]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._fences: dict[str, int] = {}
        self._noted: dict[str, datetime] = {}

    def start(self) -> None:
        """Begin; returns at once."""
        self.prepare()
        bodies: list[Callable[[], None]] = [self._beat, *(self._loop(job) for job in self.jobs)]
        for body in bodies:
            thread = threading.Thread(target=body, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End after the running steps; hand the leases back."""
        self._stopping.set()
        self.resources.bell.ring()
        for thread in self._threads:
            thread.join(timeout=10)
        with self.resources.database.writing() as session:
            repository.release(session, self.holder)

    def prepare(self) -> None:
        """Make the jobs' rows."""
        with self.resources.database.writing() as session:
            repository.ensure(session, (job.name for job in self.jobs))

    def run_once(self, job: Job) -> Outcome | None:
        """One run of one job now; `None` where another process leads it.

        Never raises: what goes wrong is logged and stands in the job's state.
        """
        try:
            fence = self._lead(job)
            if fence is None:
                return None
            outcome = job.run(JobContext(self.resources, job.name, self.holder, fence))
            self._record(job, outcome, error=None)
            return outcome
        except LeaseLost as lost:
            self._fences.pop(job.name, None)
            log.warning("lease lost", job=job.name, reason=str(lost))
        except Exception as error:
            self._failed(job, error)
            return FAILED
        return IDLE

    def _lead(self, job: Job) -> int | None:
        held = self._fences.get(job.name)
        if held is not None:
            with self.resources.database.reading() as session:
                if repository.is_held(session, job.name, self.holder, held):
                    return held
            self._fences.pop(job.name)
        now, lease_s = self.resources.clock(), self.resources.settings.job_lease_s
        with self.resources.database.reading() as session:
            row = session.get(JobState, job.name)
            if row and row.holder not in (None, self.holder) and row.leased_until and row.leased_until > now:
                return None
        with self.resources.database.writing() as session:
            fence = repository.acquire(session, job.name, self.holder, now, lease_s)
        if fence is not None:
            self._fences[job.name] = fence
        return fence

    def _record(self, job: Job, outcome: Outcome, error: str | None) -> None:
        now = self.resources.clock()
        noted = self._noted.get(job.name)
        if error is None and not outcome.worked and noted is not None and now - noted < NOTE_EVERY:
            return
        with self.resources.database.writing() as session:
            row = session.get(JobState, job.name)
            if row is None or row.holder != self.holder:
                return
            row.ran_at = now
            if error is None:
                row.succeeded_at, row.failures, row.error, row.note = now, 0, None, outcome.note
                self._noted[job.name] = now
            else:
                row.failed_at, row.failures, row.error = now, row.failures + 1, error
                self._noted.pop(job.name, None)

    def _failed(self, job: Job, error: Exception) -> None:
        if isinstance(error, DiscLoopError):
            message = str(error)
            log.warning("job failed", job=job.name, reason=message)
        else:
            # Messages of others may hold what must not be shown; the traceback is in the log only.
            message = f"unexpected {type(error).__name__}; see the log"
            log.exception("job failed", job=job.name)
        try:
            self._record(job, IDLE, error=message)
        except Exception:
            log.exception("job's state not recorded", job=job.name)

    def _loop(self, job: Job) -> Callable[[], None]:
        def body() -> None:
            bell = self.resources.bell.listen()
            failures = 0
            while not self._stopping.is_set():
                bell.clear()
                outcome = self.run_once(job)
                failures = failures + 1 if outcome is FAILED else 0
                if outcome is not None and outcome.worked:
                    self.resources.bell.ring()
                    continue
                pause = min(job.every_s * 2**failures, max(job.every_s, LONGEST_PAUSE_S))
                bell.wait(pause)

        return body

    def _beat(self) -> None:
        lease_s = self.resources.settings.job_lease_s
        while not self._stopping.wait(lease_s / 3):
            try:
                with self.resources.database.writing() as session:
                    repository.renew(session, self.holder, self.resources.clock(), lease_s)
            except Exception:
                log.exception("leases not renewed")
