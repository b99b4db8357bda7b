"""From studies in the store to tasks in front of readers, each step safe to run again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from discloop.backend_client import BackendClient
from discloop.progress import Report, Steps
from discloop.stack.background import BackgroundStack
from discloop.stack.state import Condition
from domain.errors import DiscLoopError

LONGEST_START_SECONDS = 420.0
LONGEST_STILLSTAND_SECONDS = 300.0
POLL_SECONDS = 0.3


def wait_until_ready(stack: BackgroundStack, report: Report) -> str:
    """Wait until every service is ready; the backend's address.

    Raises:
        DiscLoopError: If the stack ended, or took too long.
    """
    deadline = time.monotonic() + LONGEST_START_SECONDS
    while time.monotonic() < deadline:
        now = stack.state()
        if now is not None:
            waiting = [s.title for s in now.services.values() if s.condition is not Condition.READY]
            count = len(now.services)
            report(
                count - len(waiting), count, f"waiting for {', '.join(waiting)}" if waiting else "all ready"
            )
            if not waiting:
                return now.services["backend"].url
        time.sleep(POLL_SECONDS)
    raise DiscLoopError(
        f"the services were not ready within {LONGEST_START_SECONDS:g} s; logs: {stack.home.logs}"
    )


def hand_out(client: BackendClient, steps: Steps) -> None:
    """Ingest, plan the worklists, wait for proposals and for the tasks in Label Studio."""
    with steps.step("Ingest studies, plan worklists") as report:
        known = client.post("/api/studies")
        plan = client.post("/api/worklists/plan")
        report(1, 1, f"{known['studies']} studies, {plan['assignments']} new assignments")
    with steps.step("Propose discs and lesions") as report:
        _wait(lambda: client.get("/api/proposals"), "proposed", "units", report, failed="failed")
    with steps.step("Put the tasks into Label Studio") as report:
        _wait(lambda: _totals(client.get("/api/worklists")), "ready", "planned", report)


def _totals(progress: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(row[name] for row in progress) for name in ("ready", "planned")}


def _wait(
    look: Callable[[], dict[str, Any]], done: str, total: str, report: Report, *, failed: str | None = None
) -> None:
    """Until all is done (or has failed, which the backend's pages show); it may not stand still for long."""
    before, since = -1, time.monotonic()
    while True:
        now = look()
        reached = now[done] + (now[failed] if failed else 0)
        trouble = f", {now[failed]} failed" if failed and now[failed] else ""
        report(reached, now[total] or None, f"{now[done]} of {now[total]}{trouble}")
        if reached >= now[total]:
            return
        if reached != before:
            before, since = reached, time.monotonic()
        if time.monotonic() - since > LONGEST_STILLSTAND_SECONDS:
            raise DiscLoopError(f"{done}: stands still at {reached} of {now[total]}; the logs say why")
        time.sleep(POLL_SECONDS)
