"""What the backend is told at start, by environment variables prefixed `DISCLOOP_`."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.environment import PREFIX, Secret, refusal, require_known
from labeling_configs.words import Language


def _bare_address(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    return value.rstrip("/")


def _existing_folder(value: Path) -> Path:
    if not value.is_dir():
        raise ValueError(f"a folder is expected, {value} is none")
    return value


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected an IANA time zone, such as Europe/Zurich") from None
    return value


def _bundled_weights() -> Path:
    """Found without importing it: the backend must not need torch."""
    found = find_spec("ml_backend")
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0] if places else "ml_backend") / "weights"


Address = Annotated[str, AfterValidator(_bare_address)]
Folder = Annotated[Path, AfterValidator(_existing_folder)]


class Settings(BaseSettings):
    """One process's settings. Nothing has a default that would be unsafe in a hospital."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database_url: str
    guard_secret: Secret
    assertion_key: Secret
    service_token: Secret
    api_token: Secret
    ml_password: Secret

    label_studio_url: Address
    """Where this process reaches Label Studio."""
    label_studio_public_url: Address
    """Where people's browsers reach it."""
    public_url: Address
    """Where people's browsers reach the backend."""
    ml_url: Address

    store: Folder
    keys: Folder
    weights: Folder
    rounds: Folder

    session_hours: float = Field(default=12, gt=0, le=24 * 7)
    projection_valid_for_s: int = Field(default=120, ge=10)
    job_lease_s: float = Field(default=15, gt=0)
    """How long a process may be silent before another takes over its jobs."""
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    """The site's, as IANA names it: in it pages show times. Stored they are in UTC."""
    language: Language = "en"
    """Of the words on the reading and adjudication pages; what is stored does not depend on it."""
    run_jobs: bool = True
    jobs: str = Field(default="all", pattern=r"^(all|-?[a-z_]+(,-?[a-z_]+)*)$")
    """Which jobs this process may lead: `all`, names with commas, or with `-` before them all others."""
    compare_at_hour: int = Field(default=2, ge=0, le=23)
    """Hour of the nightly comparison with Label Studio, UTC."""

    policy: Path | None = None
    """A JSON file of `domain.policy.Policy`; left out, its defaults hold."""
    bundled_weights: Path = Field(default_factory=_bundled_weights)
    """The folder of the model that the ML backend starts with: what a first round starts from."""
    train_command: str = (
        "{python} -m ml_backend.train {snapshot} --store {store} --out {out} --from {weights}"
    )
    """How a round trains. Split as a shell would, then filled in; `--resume` is added where it goes on."""
    evaluate_command: str = (
        "{python} -m ml_backend.evaluate {weights} --snapshot {snapshot} --store {store} "
        "--split test --out {out}"
    )
    free_gb: float = Field(default=1, ge=0)
    """Less free disk than this, and no study is taken in."""
    rounds_free_gb: float = Field(default=2, ge=0)
    """Less free disk than this, and no round starts."""
    rounds_gpu_free_gb: float = Field(default=0, ge=0)
    """Less free GPU memory than this, and no round starts on this machine; 0 asks for no GPU."""
    executor: Literal["local", "ray"] = "local"
    """Where rounds run: as processes of this machine, or as jobs of a Ray cluster."""
    ray_address: Address = "http://127.0.0.1:8265"
    """Ray's Jobs API."""
    ray_storage: str | None = None
    """An address of fsspec (`s3://...`, `file:///...`) that this process and Ray's machines reach."""
    ray_cpus: float = Field(default=1, gt=0)
    ray_gpus: float = Field(default=0, ge=0)
    ray_memory_gb: float = Field(default=2, gt=0)
    ray_python: str = "python"
    """The interpreter on Ray's machines that has the extra `ml`."""

    def leads(self, job: str) -> bool:
        """Whether this process may lead a job."""
        names = self.jobs.split(",")
        if "all" in names or job in names:
            return True
        return all(name.startswith("-") for name in names) and f"-{job}" not in names

    @property
    def callback(self) -> str:
        """The sign-in callback, which is also the assertion's audience."""
        return f"{self.public_url}/auth/callback"

    @property
    def https(self) -> bool:
        """Whether browsers reach the backend by TLS, so that cookies may be `Secure`."""
        return self.public_url.startswith("https://")


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        DiscLoopError: Naming each key that is missing, wrong or unknown; a secret's value is never shown.
    """
    require_known(os.environ)
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives them
    except ValidationError as error:
        raise refusal("the backend", error) from None
