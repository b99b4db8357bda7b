"""What the guard needs from its environment; a missing or placeholder secret stops the start."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from os import environ
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from domain.environment import PREFIX, require_known
from domain.errors import DiscLoopError
from labeling_configs.words import Language

SHORTEST_SECRET = 16
PLACEHOLDERS = ("change", "secret", "password", "placeholder", "example", "default", "xxx")


class Configuration(BaseModel):
    """Read once from `DISCLOOP_*`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    guard_secret: SecretStr
    """Opens the control API."""
    assertion_key: SecretStr
    """Signs the assertions that sign people in to our pages."""
    service_token: SecretStr
    """The service account's Label Studio token."""
    store: Path
    keys: Path
    backend_callback: str
    """Where assertions are posted to, and their audience."""
    behind_proxy: bool = False
    """Every request comes through a proxy that writes the browser's address into X-Forwarded-For."""
    language: Language = "en"
    """Of what people read on the guard's pages and in its refusals."""

    @field_validator("guard_secret", "assertion_key", "service_token")
    @classmethod
    def _is_a_secret(cls, secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        if len(value) < SHORTEST_SECRET or any(value.lower().startswith(word) for word in PLACEHOLDERS):
            raise ValueError(f"expected a generated secret of at least {SHORTEST_SECRET} characters")
        return secret

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
            DiscLoopError: Naming the first variable that is missing, wrong or unknown; never its value.
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
            first = error.errors(include_input=False, include_url=False)[0]
            key = PREFIX + str(first["loc"][0]).upper()
            raise DiscLoopError(f"environment variable {key}: {first['msg']}") from None


@lru_cache(maxsize=1)
def configuration() -> Configuration:
    """This process's configuration."""
    return Configuration.from_environment(environ)
