"""Slices of the store, by path or by the address Label Studio shows; no address is ever opened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from domain.errors import DiscLoopError
from domain.manifest import STORE_PATH
from ml_backend.pictures import decode_picture
from ml_backend.samples import GreyImage

SLICE_ADDRESS = re.compile(
    r"(?:https?://[A-Za-z0-9.:\[\]-]{1,255})?/discloop/slices/\d{1,12}/(?P<key>[A-Za-z0-9_-]{8,64})/(?P<n>\d{1,4})"
)
"""The guard's slice address. Host and project are not looked at: the key alone says which slices."""
_PATH = re.compile(STORE_PATH)


class SliceStore:
    """Reads slices below one folder, and the keys that stand for them below another."""

    def __init__(self, store: Path, keys: Path) -> None:
        self._store, self._keys = store.resolve(), keys.resolve()

    def paths_of_key(self, key: str) -> list[str]:
        """Store paths of the slices that a task key stands for.

        Raises:
            DiscLoopError: No such key, or its file is not as it should be.
        """
        try:
            slices = self._key_file(key)["slices"]
        except (KeyError, TypeError) as error:
            raise DiscLoopError("the task's key stands for no slices") from error
        if not isinstance(slices, list) or not all(isinstance(item, str) for item in slices):
            raise DiscLoopError("the task's key stands for no list of slices")
        return slices

    def may_move_boxes(self, address: str) -> bool:
        """Whether the task of a slice's address has the smart box; an unaided one has not."""
        found = SLICE_ADDRESS.fullmatch(address)
        try:
            return found is not None and self._key_file(found["key"])["smart_box"] is True
        except (DiscLoopError, KeyError, TypeError):
            return False

    def _key_file(self, key: str) -> Any:
        try:
            return json.loads((self._keys / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DiscLoopError("the task's key stands for no slices") from error

    def path_of_address(self, address: str) -> str:
        """The store path behind a slice's address.

        Raises:
            DiscLoopError: The address is not a slice of ours, or its key has no such slice.
        """
        found = SLICE_ADDRESS.fullmatch(address)
        if found is None:
            raise DiscLoopError("expected a slice address of the form /discloop/slices/<project>/<key>/<n>")
        paths, number = self.paths_of_key(found["key"]), int(found["n"])
        if number >= len(paths):
            raise DiscLoopError(f"the task has {len(paths)} slices, slice {number} was asked for")
        return paths[number]

    def read(self, path: str) -> GreyImage:
        """The slice at a store path, (height, width) uint8.

        Raises:
            DiscLoopError: Not a path of the store, or not a readable picture.
        """
        if _PATH.fullmatch(path) is None or any(part.startswith(".") for part in path.split("/")):
            raise DiscLoopError(f"expected a path of the store, got {path[:80]!r}")
        target = (self._store / path).resolve()
        if not target.is_relative_to(self._store):
            raise DiscLoopError("the path leaves the store")
        try:
            content = target.read_bytes()
        except OSError as error:
            raise DiscLoopError(f"slice {path} cannot be read: {error.strerror}") from error
        return decode_picture(content, name=f"slice {path}").image
