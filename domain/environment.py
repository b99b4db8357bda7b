"""The names of what the environment tells DiscLoop. One that nobody reads is a slip, and refused."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from domain.errors import DiscLoopError

PREFIX = "DISCLOOP_"
SERVICES = frozenset({
    "API_TOKEN", "ASSERTION_KEY", "BACKEND_CALLBACK", "BEHIND_PROXY", "BUNDLED_WEIGHTS", "COMPARE_AT_HOUR",
    "DATABASE_URL", "EVALUATE_COMMAND", "EXECUTOR", "FREE_GB", "GUARD_SECRET", "JOBS", "JOB_LEASE_S",
    "KEYS", "LABEL_STUDIO_PUBLIC_URL", "LABEL_STUDIO_URL", "LANGUAGE", "ML_PASSWORD", "ML_QUEUE",
    "ML_RUNTIME", "ML_THREADS", "ML_URL", "POLICY", "PROJECTION_VALID_FOR_S", "PUBLIC_URL", "RAY_ADDRESS",
    "RAY_CPUS", "RAY_GPUS", "RAY_MEMORY_GB", "RAY_PYTHON", "RAY_STORAGE", "ROUNDS", "ROUNDS_FREE_GB",
    "ROUNDS_GPU_FREE_GB", "RUN_JOBS", "SERVICE_TOKEN", "SESSION_HOURS", "STORE", "TIMEZONE",
    "TRAIN_COMMAND", "WEIGHTS",
})  # fmt: skip
"""Settings of one service or several, without the prefix: the operator's guide says whose."""
TOOLS = frozenset({"DATA", "HOME", "LABEL_STUDIO_PYTHON", "SCREENSHOTS", "SOAK", "SOAK_SEED"})
"""What the command line and the tests read."""


def require_known(names: Iterable[str]) -> None:
    """Raise where a name with the prefix is none of ours, with the nearest that is.

    Raises:
        DiscLoopError: Naming each; never a value.
    """
    ours = {PREFIX + name for name in SERVICES | TOOLS}
    strange = sorted(name for name in names if name.startswith(PREFIX) and name not in ours)
    if strange:
        said = [f"{name}: no such setting{_meant(name, ours)}" for name in strange]
        raise DiscLoopError("; ".join(said))


def _meant(name: str, ours: Iterable[str]) -> str:
    near = get_close_matches(name, ours, n=1)
    return f", {near[0]} is near" if near else ""
