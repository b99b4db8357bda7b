"""What the guard needs from its environment; a missing or placeholder secret stops the start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from os import environ
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from domain.environment import PREFIX, Secret, refusal, require_known
from labeling_configs.words import Language


class Configuration(BaseModel):
    """Read once from `DISCLOOP_*`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    guard_secret: Secret
    """Opens the control API."""
    assertion_key: Secret
    """Signs the assertions that sign people in to our pages."""
    service_token: Secret
    """The service account's Label Studio token."""
    store: Path
    keys: Path
    backend_callback: str
    """Where assertions are posted to, and their audience."""
    behind_proxy: bool = False
    """Every request comes through a proxy that writes the browser's address into X-Forwarded-For."""
    language: Language = "en"
    """Of what people read on the guard's pages and in its refusals."""

    @field_validator("backend_callback")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not address.startswith(("http://", "https://")):
            raise ValueError("expected an http:// or https:// address")
        return address

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Read and check the `DISCLOOP_*` variables.

        Raises:
            DiscLoopError: Naming each variable that is missing, wrong or unknown; never a value.
        """
        require_known(variables)
        named = {
            field: variables[PREFIX + field.upper()]
            for field in cls.model_fields
            if PREFIX + field.upper() in variables
        }
        try:
            return cls.model_validate(named)
        except ValidationError as error:
            raise refusal("the guard", error) from None


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """This process's configuration."""
    return Configuration.from_environment(environ)
