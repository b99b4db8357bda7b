"""One leader a job; errors are shown and never end the process."""

from __future__ import annotations

import threading

import pytest

from backend.errors import Unavailable
from backend.jobs.runner import Job, JobContext, Outcome, Runner
from backend.jobs.tables import JobState
from tests.backend.workplace import Workplace
from tests.waiting import until


def runner_of(workplace: Workplace, *jobs: Job) -> Runner:
    """A process with these jobs."""
    made = Runner(workplace.resources, jobs)
    made.prepare()
    return made


def state(workplace: Workplace, name: str) -> JobState:
    """Where a job stands."""
    with workplace.database.reading() as session:
        return session.get_one(JobState, name)


def test_one_process_leads_until_its_lease_runs_out(workplace: Workplace) -> None:
    job = Job("a", "A", 1, lambda _: Outcome(worked=True, note="done"))
    one, other = runner_of(workplace, job), runner_of(workplace, job)
    assert one.run_once(job) is not None
    assert other.run_once(job) is None
    workplace.clock.turn(seconds=workplace.settings.job_lease_s + 1)
    assert other.run_once(job) is not None
    assert one.run_once(job) is None
    assert state(workplace, "a").fence == 2


def test_who_lost_the_lease_writes_nothing(workplace: Workplace) -> None:
    other: Runner

    def work(context: JobContext) -> Outcome:
        workplace.clock.turn(minutes=1)
        assert other.run_once(other.jobs[0]) is not None
        with context.writing() as session:
            session.add(JobState(name="written by the slow one"))
        return Outcome(worked=True)

    slow = Job("a", "A", 1, work)
    one = runner_of(workplace, slow)
    other = runner_of(workplace, Job("a", "A", 1, lambda _: Outcome(worked=False)))
    outcome = one.run_once(slow)
    assert outcome is not None
    assert not outcome.worked
    with workplace.database.reading() as session:
        assert session.get(JobState, "written by the slow one") is None


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (Unavailable("the ML backend does not answer"), "the ML backend does not answer"),
        (RuntimeError("patient-name.png"), "unexpected RuntimeError; see the log"),
    ],
)
def test_errors_are_shown_without_what_others_said(
    workplace: Workplace, error: Exception, shown: str
) -> None:
    failing = [error]

    def work(_context: JobContext) -> Outcome:
        if failing:
            raise failing[0]
        return Outcome(worked=False, note="fine")

    job = Job("a", "A", 1, work)
    runner = runner_of(workplace, job)
    runner.run_once(job)
    runner.run_once(job)
    assert (state(workplace, "a").error, state(workplace, "a").failures) == (shown, 2)
    failing.clear()
    runner.run_once(job)
    assert (state(workplace, "a").error, state(workplace, "a").note) == (None, "fine")


def test_threads_work_fail_wake_and_stop(workplace: Workplace) -> None:
    done = threading.Semaphore(0)
    left = [3]

    def work(_context: JobContext) -> Outcome:
        if not left:
            return Outcome(worked=False)
        count = left.pop()
        if count:
            left.append(count - 1)
        done.release()
        return Outcome(worked=True)

    def fail(_context: JobContext) -> Outcome:
        raise RuntimeError("always")

    runner = runner_of(workplace, Job("work", "W", 60, work), Job("fail", "F", 60, fail))
    runner.start()
    try:
        for _ in range(4):
            assert done.acquire(timeout=20)
        until(lambda: state(workplace, "fail").failures, within_s=20, what="the failure is recorded")
        left.append(0)
        workplace.resources.bell.ring()
        assert done.acquire(timeout=20)
    finally:
        runner.stop()
    assert state(workplace, "work").holder is None
