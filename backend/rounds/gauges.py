"""The round that runs and the next one's distance, as Prometheus reads it. Counts and ages only."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from backend.models import repository as models
from backend.resources import Resources
from backend.rounds import repository, service
from backend.rounds.policy import due, policy_of


class RoundsCollector(Collector):
    """Looks at the database and the round's folder when it is asked."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def describe(self) -> list[GaugeMetricFamily]:
        """Nothing: so that registering does not look."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge as it is now."""
        resources = self._resources
        with resources.database.reading() as session:
            now = due(session, resources, policy_of(resources.settings))
            row = repository.next_in_line(session)
            held = models.current(session)
        distance = _family(
            "discloop_round_trigger", "Share of a trigger's threshold that is reached", "trigger"
        )
        for one in now.distances:
            distance.add_metric([one.name], max(0.0, one.now / one.threshold))
        yield distance
        yield _value("discloop_round_due", "Whether a round is due", now.due)
        yield _value("discloop_model_generation", "Generation that should serve", held.number if held else 0)
        if row is None:
            return
        began = row.started_at or row.queued_at or row.planned_at
        age = (resources.clock() - began).total_seconds()
        yield _value("discloop_round_seconds", "Since the round that runs or waits began to", age)
        yield _value("discloop_round_restarts", "How often its trainer was started again", row.restarts)
        line = service.folder_of(resources.settings, row.id).progress() or {}
        for name in ("epoch", "epochs", "loss"):
            if isinstance(line.get(name), int | float):
                yield _value(f"discloop_round_{name}", f"Its trainer's {name}", line[name])


def _family(name: str, help: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, labels=[label])


def _value(name: str, help: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help, value=float(value))
