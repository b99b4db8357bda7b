"""What a person chose for a home: `settings.toml` in it, and over that `DISCLOOP_*` of the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from backend.settings import Settings
from discloop.home import Home
from domain.environment import PREFIX, TOOLS, require_known
from domain.errors import DiscLoopError

FILE = "settings.toml"
OF_THE_HOME = frozenset({
    "api_token", "assertion_key", "backend_callback", "database_url", "guard_secret", "keys",
    "label_studio_public_url", "label_studio_url", "ml_password", "ml_url", "public_url", "rounds",
    "service_token", "store", "weights",
})  # fmt: skip
"""What the stack itself sets, from the home and the ports."""
OF_THE_ML_BACKEND = ("ml_runtime", "ml_threads", "ml_queue")
"""Checked by the ML backend at its start: to know its settings here would load its libraries."""


def chosen(home: Home, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """As variables for the services.

    Raises:
        DiscLoopError: Naming the file or variable, and the setting that is unknown, wrong, or not a choice.
    """
    variables = os.environ if variables is None else variables
    require_known(variables)
    tools = {PREFIX + name for name in TOOLS}
    told = {name: value for name, value in variables.items() if name.startswith(PREFIX) and name not in tools}
    for name, value in told.items():
        _check(name.removeprefix(PREFIX).lower(), value, named=name)
    read = _read(home)
    for name, value in read.items():
        _check(name, value, named=f"{home.root / FILE}: {name}")
    return {PREFIX + name.upper(): str(value) for name, value in read.items()} | told


def _read(home: Home) -> dict[str, Any]:
    file = home.root / FILE
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DiscLoopError(f"{file}: expected lines like free_gb = 5 ({error})") from None


def _check(name: str, value: Any, *, named: str) -> None:
    if name in OF_THE_HOME:
        raise DiscLoopError(f"{named}: the local stack sets it itself, from --home and the ports")
    try:
        _choices().model_validate({name: value})
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        is_unknown = problem["type"] == "extra_forbidden"
        raise DiscLoopError(
            f"{named}: {'no such setting' if is_unknown else problem['msg'].removeprefix('Value error, ')}"
        ) from None


@cache
def _choices() -> type[BaseModel]:
    """The settings that are a choice on a local stack, with the limits that the backend gives them."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in Settings.model_fields.items()
        if name not in OF_THE_HOME
    }
    fields |= {name: (str | int | None, None) for name in OF_THE_ML_BACKEND}
    return create_model("Choices", __config__=ConfigDict(extra="forbid"), **fields)
