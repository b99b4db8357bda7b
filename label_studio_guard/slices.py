"""From a task key and a number to a file of the store; nothing else of the store can be reached."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from domain.manifest import STORE_PATH
from label_studio_guard.configuration import Configuration

TASK_KEY = re.compile(r"[A-Za-z0-9_-]{22,64}", re.ASCII)
SLICE_NUMBER = re.compile(r"[0-9]{1,4}", re.ASCII)
SCOUT = "scout"


class UnknownSliceError(Exception):
    """There is no such slice."""


def slice_file(configured: Configuration, key: str, number: str) -> Path:
    """The PNG of one slice of a unit.

    Args:
        configured: Where keys and store are.
        key: The assignment's random key.
        number: From 0 in display order, or `scout`.

    Raises:
        UnknownSliceError: If there is none, or what is written there leaves the store.
    """
    unit = _unit(configured, key)
    if number == SCOUT:
        return _in_store(configured, unit.get("scout"))
    stack = unit.get("slices")
    if not SLICE_NUMBER.fullmatch(number) or not isinstance(stack, list) or int(number) >= len(stack):
        raise UnknownSliceError(number)
    return _in_store(configured, stack[int(number)])


def unit_slices(configured: Configuration, key: str) -> list[Path]:
    """The whole stack of a unit, in display order.

    Raises:
        UnknownSliceError: If the key is unknown.
    """
    stack = _unit(configured, key).get("slices")
    if not isinstance(stack, list):
        raise UnknownSliceError(key)
    return [_in_store(configured, path) for path in stack]


def _unit(configured: Configuration, key: str) -> dict[str, Any]:
    if not TASK_KEY.fullmatch(key):
        raise UnknownSliceError("not a key")
    try:
        unit = json.loads((configured.keys / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UnknownSliceError("unknown key") from None
    if not isinstance(unit, dict):
        raise UnknownSliceError("unknown key")
    return unit


def _in_store(configured: Configuration, path: object) -> Path:
    if not isinstance(path, str) or not re.fullmatch(STORE_PATH, path):
        raise UnknownSliceError("not a path of the store")
    store = configured.store.resolve()
    file = (store / path).resolve()
    if not file.is_relative_to(store) or not file.is_file():
        raise UnknownSliceError("not in the store")
    return file
