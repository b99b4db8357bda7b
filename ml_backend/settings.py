"""What the service is told at start, by environment variables prefixed `DISCLOOP_`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.environment import PREFIX, require_known
from domain.errors import DiscLoopError
from ml_backend.runtimes import RuntimeName
from ml_backend.weights import BUNDLED, DESCRIPTION

SHORTEST_SECRET = 16
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "placeholder",
    "example",
    "password",
    "secret",
    "default",
)
USER = "discloop"


def _real_secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
    if len(set(text)) < 6 or any(text.lower().startswith(word) for word in PLACEHOLDERS):
        raise ValueError("this is a placeholder, not a secret")
    return value


def _existing_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"a folder is expected, {value} is none")
    return value.resolve()


Folder = Annotated[Path, AfterValidator(_existing_folder)]


class Settings(BaseSettings):
    """One process's settings."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    ml_password: Annotated[SecretStr, AfterValidator(_real_secret)]
    """Basic auth, user `discloop`."""
    store: Folder
    keys: Folder
    weights: Folder = BUNDLED
    """A model's folder, or the folder of promoted models' folders; then the bundled one serves at first."""
    ml_runtime: RuntimeName = RuntimeName.OPENVINO
    ml_threads: Annotated[int, Field(ge=1, le=256)] = os.cpu_count() or 1
    ml_queue: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Requests that may wait; one more is answered 503."""

    @property
    def first_model(self) -> Path:
        """The folder of the model to serve until the control plane names another."""
        return self.weights if (self.weights / DESCRIPTION).is_file() else BUNDLED


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        DiscLoopError: Naming each key that is missing, wrong or unknown; a secret's value is never shown.
    """
    require_known(os.environ)
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives them
    except ValidationError as error:
        problems = [
            f"{PREFIX}{'_'.join(str(part) for part in problem['loc']).upper()}: "
            + ("not set" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, "))
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise DiscLoopError("the ML backend cannot start: " + "; ".join(problems)) from None
