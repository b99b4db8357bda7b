"""Where the loop stands, as Prometheus reads it: computed when it is asked, so every process says the same.

Counts and ages only. What to be woken by: `docs/guide/operator.md`, Alerts.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlmodel import Session, col, func, select

from backend.canary import service as canary
from backend.errors import BackendError
from backend.jobs import repository as jobs
from backend.readings.tables import OutboxCursor, Revision
from backend.resources import Resources
from backend.rounds.tables import Round

FOLDERS = ("store", "rounds")


class LoopCollector(Collector):
    """Looks at the database, the guard and the disk."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: so that registering does not look."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge as it is now."""
        with self._resources.database.reading() as session:
            cursor = session.get(OutboxCursor, 1)
            ledger = cursor.last if cursor else 0
            yield _one("discloop_ledger_last", "Outbox number up to which the ledger is", ledger)
            yield _by("discloop_revisions", "Revisions of the ledger", "state", _counts(session, Revision))
            yield _by("discloop_rounds", "Retraining rounds", "state", _counts(session, Round))
            yield from self._jobs(session)
            stopped = canary.stops_provisioning(session)
            yield _one("discloop_canary_opened", "Whether a reader who is nobody got in; never 1", stopped)
        yield from self._guard(ledger)
        free = {name: shutil.disk_usage(getattr(self._resources.settings, name)).free for name in FOLDERS}
        yield _by("discloop_disk_free_bytes", "Free disk", "folder", free)

    def _jobs(self, session: Session) -> Iterator[GaugeMetricFamily]:
        now = self._resources.clock()
        states = jobs.states(session)
        ages = {s.name: (now - s.succeeded_at).total_seconds() for s in states if s.succeeded_at}
        failures = {state.name: state.failures for state in states}
        yield _by("discloop_job_age_seconds", "Since a job last succeeded", "job", ages)
        yield _by("discloop_job_failures", "Failures of a job in a row", "job", failures)

    def _guard(self, ledger: int) -> Iterator[GaugeMetricFamily]:
        try:
            status = self._resources.outside.guard.status()
        except BackendError:
            yield _one("discloop_guard_up", "Whether the guard answers", 0)
            return
        yield _one("discloop_guard_up", "Whether the guard answers", 1)
        stale = status.projection is None or status.projection.stale
        yield _one("discloop_guard_stale", "Whether the guard refuses everybody, its list being old", stale)
        yield _one("discloop_guard_denials", "Requests the guard has refused", status.denials)
        if status.outbox is not None:
            behind = max(0, status.outbox.last - ledger)
            yield _one("discloop_ledger_behind", "Outbox entries not in the ledger yet", behind)


def _counts(session: Session, table: type[Revision] | type[Round]) -> dict[str, float]:
    state = col(table.state)
    return {str(name): count for name, count in session.exec(select(state, func.count()).group_by(state))}


def _one(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=float(value))


def _by(name: str, help: str, label: str, values: dict[str, float] | dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], float(value))
    return family
