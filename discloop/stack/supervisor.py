"""Keeps the services running until it is told to end; then ends them and everything they started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from discloop.home import Home
from discloop.stack import processes
from discloop.stack.probe import is_ready
from discloop.stack.services import Service
from discloop.stack.state import Condition, ServiceState, StackState
from domain.errors import DiscLoopError

TICK_SECONDS = 0.2
PATIENCE_SECONDS = 15.0
START_TRIES = 3
"""A service that ends this often without ever having been ready is not restarted: its log says why."""
START_LIMIT_SECONDS = 900.0
"""A service that is not ready after so long stands still, and is started anew."""
LONGEST_PAUSE_SECONDS = 30.0


@dataclass
class _Kept:
    service: Service
    process: subprocess.Popen[bytes] | None = None
    condition: Condition = Condition.STARTING
    failures: int = 0
    restarts: int = 0
    start_after: float = 0.0
    started: float = 0.0
    has_been_ready: bool = False


@dataclass
class Supervisor:
    """Runs in the main thread of a process of its own."""

    home: Home
    services: Sequence[Service]
    on_change: Callable[[StackState], None] = lambda _state: None
    start_limit_s: float = START_LIMIT_SECONDS
    _kept: list[_Kept] = field(default_factory=list)
    _told: str = ""
    _started: str = ""

    def run(self) -> None:
        """Start everything and keep it running; leaves by an exception, a signal's or an error's.

        Raises:
            DiscLoopError: If a service cannot be started.
        """
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._kept = [_Kept(service) for service in self.services]
        processes.adopt_orphans()
        try:
            while True:
                for kept in self._kept:
                    self._tend(kept)
                self._tell()
                self._reap_adopted()
                time.sleep(TICK_SECONDS)
        finally:
            self._end()

    def _tend(self, kept: _Kept) -> None:
        if kept.process is None:
            if time.monotonic() >= kept.start_after:
                kept.process, kept.started = self._start(kept.service), time.monotonic()
            return
        code = kept.process.poll()
        if code is not None:
            processes.kill_group(kept.process)
            kept.process = None
            self._plan_restart(kept, code)
        elif kept.condition is not Condition.READY:
            if is_ready(kept.service.ready_url):
                kept.condition, kept.failures, kept.has_been_ready = Condition.READY, 0, True
            elif time.monotonic() - kept.started > self.start_limit_s:
                processes.kill_group(kept.process)  # and its end is seen at the next look

    def _start(self, service: Service) -> subprocess.Popen[bytes]:
        folder = self.home.root
        return processes.start(service.command, service.environment, service.log, folder=folder)

    def _plan_restart(self, kept: _Kept, code: int) -> None:
        kept.failures += 1
        if not kept.has_been_ready and kept.failures >= START_TRIES:
            raise DiscLoopError(
                f"{kept.service.title} ended {kept.failures} times at its start (exit {code}): "
                f"{_last_line(kept.service)}; its log: {kept.service.log}"
            )
        kept.condition = Condition.RESTARTING
        kept.restarts += 1
        pause = min(0.5 * 2 ** (kept.failures - 1), LONGEST_PAUSE_SECONDS) if kept.failures > 1 else 0.0
        kept.start_after = time.monotonic() + pause

    def _tell(self) -> None:
        state = self.state()
        text = state.model_dump_json()
        if text != self._told:
            self._told = text
            state.save(self.home.stack_state)
            self.on_change(state)

    def state(self) -> StackState:
        """As it is now."""
        return StackState(
            pid=os.getpid(),
            started=self._started,
            services={
                kept.service.name: ServiceState(
                    title=kept.service.title,
                    url=kept.service.url,
                    log=str(kept.service.log),
                    pid=kept.process.pid if kept.process else None,
                    condition=kept.condition,
                    restarts=kept.restarts,
                )
                for kept in self._kept
            },
        )

    def _reap_adopted(self) -> None:
        ours = {kept.process.pid for kept in self._kept if kept.process}
        processes.reap(pid for pid in processes.children(os.getpid()) if pid not in ours)

    def _end(self) -> None:
        for impatient in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(impatient, signal.SIG_IGN)  # a second Ctrl-C must not leave processes behind
        running = [kept.process for kept in self._kept if kept.process]
        processes.end(running, patience_s=PATIENCE_SECONDS)
        self.home.stack_state.unlink(missing_ok=True)


def _last_line(service: Service) -> str:
    lines = service.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    telling = [line for line in lines if "Error: " in line and not line.startswith(" ")] or lines
    return telling[-1][:300] if telling else "it wrote nothing"
