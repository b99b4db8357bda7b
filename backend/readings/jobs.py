"""The ledger's jobs. They need every noun's interpreters, so the application makes them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from backend.jobs.runner import Job
from backend.readings.comparison import compare_nightly
from backend.readings.interpretation import Interpreter
from backend.readings.service import pull


def ledger_jobs(interpreters: Mapping[str, Interpreter]) -> tuple[Job, ...]:
    """The outbox's puller and the nightly comparison."""
    return (
        Job("outbox", "Readings from Label Studio", 1, partial(pull, interpreters=interpreters)),
        Job("comparison", "Nightly comparison", 60, partial(compare_nightly, interpreters=interpreters)),
    )
