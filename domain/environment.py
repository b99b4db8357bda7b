"""What the environment may tell DiscLoop: names that nobody reads, and made-up secrets, are refused."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationError

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

SHORTEST_SECRET = 16
FEWEST_CHARACTERS = 6
"""Different ones."""
PLACEHOLDERS = ("change", "secret", "password", "placeholder", "example", "default", "xxx")


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


def refusal(service: str, error: ValidationError) -> DiscLoopError:
    """Why a service cannot start: each key that is missing or wrong; never a value."""
    problems = [
        f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: "
        + ("not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, "))
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return DiscLoopError(f"{service} cannot start: " + "; ".join(problems))


def _generated(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
    if len(set(text)) < FEWEST_CHARACTERS or text.lower().startswith(PLACEHOLDERS):
        raise ValueError("this is a placeholder, not a secret")
    return secret


Secret = Annotated[SecretStr, AfterValidator(_generated)]
"""What only the services know; a placeholder is refused."""


def _meant(name: str, ours: Iterable[str]) -> str:
    near = get_close_matches(name, ours, n=1)
    return f", {near[0]} is near" if near else ""
