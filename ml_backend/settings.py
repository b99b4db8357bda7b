"""What the service is told at start, by environment variables prefixed `DISCLOOP_`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.environment import PREFIX, Secret, refusal, require_known
from ml_backend.runtimes import RuntimeName
from ml_backend.weights import BUNDLED, DESCRIPTION

USER = "discloop"


def _existing_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"a folder is expected, {value} is none")
    return value.resolve()


Folder = Annotated[Path, AfterValidator(_existing_folder)]


class Settings(BaseSettings):
    """One process's settings."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    ml_password: Secret
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
        raise refusal("the ML backend", error) from None
