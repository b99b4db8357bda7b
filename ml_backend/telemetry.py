"""What Prometheus may see: counts and times, nothing of a patient."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.4, 1, 3, 10, 30, 100)


class Telemetry:
    """The service's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "discloop_ml_requests_total",
            "Requests by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "discloop_ml_request_seconds",
            "Time to answer by route",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.slices = Counter("discloop_ml_slices_total", "Slices proposed on", registry=self.registry)
        self.failed = Counter(
            "discloop_ml_slices_failed_total", "Slices that could not be read", registry=self.registry
        )
        self.waiting = Gauge(
            "discloop_ml_waiting_requests", "Requests in the queue or at work", registry=self.registry
        )
        self.refused = Counter(
            "discloop_ml_refused_total", "Requests answered 503: queue full", registry=self.registry
        )
        self.generation = Gauge(
            "discloop_ml_generation", "Generation of the model in service", registry=self.registry
        )
        self.model = Gauge(
            "discloop_ml_model_info", "The model in service", ["version"], registry=self.registry
        )

    def serves(self, version: str, generation: int) -> None:
        """Note which model serves."""
        self.model.clear()
        self.model.labels(version).set(1)
        self.generation.set(generation)
