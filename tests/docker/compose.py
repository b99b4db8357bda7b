"""Reads `docker-compose.yml` as `docker compose` does, as far as the file uses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?P<rest>[^}]*)\}")


class MissingVariable(Exception):
    """A required variable is not in the environment."""


@dataclass(frozen=True)
class ComposeService:
    """What a container is started with."""

    command: tuple[str, ...]
    environment: dict[str, str]


def raw() -> dict[str, Any]:
    """The file as YAML, merge keys resolved, variables not."""
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return loaded


def interpolate(value: Any, variables: Mapping[str, str]) -> Any:
    """The value with its `${NAME:?message}` replaced.

    Raises:
        MissingVariable: Naming the first that is absent or empty.
    """
    if isinstance(value, dict):
        return {key: interpolate(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [interpolate(each, variables) for each in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        if not variables.get(match["name"]):
            raise MissingVariable(match["name"])
        return variables[match["name"]]

    return VARIABLE.sub(replace, value)


def service(name: str, variables: Mapping[str, str]) -> ComposeService:
    """One service's command and environment."""
    described = interpolate(raw()["services"][name], variables)
    return ComposeService(tuple(described.get("command", ())), dict(described.get("environment", {})))
