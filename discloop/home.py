"""The folder of one local stack, and the option that names it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import DiscLoopError

HomeOption = Annotated[
    Path, typer.Option("--home", help="Folder of the local stack.", envvar="DISCLOOP_HOME", file_okay=False)
]
DEFAULT_HOME = Path(".discloop")


@dataclass(frozen=True)
class Home:
    """Where everything of one local stack lies. `root` is absolute."""

    root: Path

    @classmethod
    def at(cls, folder: Path) -> Home:
        """The home at `folder`, relative to the working directory or absolute."""
        return cls(folder.expanduser().resolve())

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def backend(self) -> Path:
        return self.root / "backend"

    @property
    def label_studio(self) -> Path:
        return self.root / "label-studio"

    @property
    def weights(self) -> Path:
        return self.root / "weights"

    @property
    def rounds(self) -> Path:
        return self.root / "rounds"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.json"

    @property
    def stack_state(self) -> Path:
        return self.root / "stack.json"

    @property
    def stack_lock(self) -> Path:
        return self.root / "stack.lock"

    def create(self) -> None:
        """Make the folders, the root private to its owner.

        Raises:
            DiscLoopError: If the folder cannot be made or written.
        """
        folders = (
            self.store,
            self.keys,
            self.backend,
            self.label_studio,
            self.weights,
            self.rounds,
            self.logs,
        )
        try:
            if not self.root.exists():
                self.root.mkdir(parents=True, mode=0o700)
            for folder in folders:
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise DiscLoopError(f"--home {self.root}: cannot be made ({error.strerror})") from error
        if not os.access(self.root, os.W_OK):
            raise DiscLoopError(f"--home {self.root}: cannot be written")
