"""Where a round keeps its files, and how they are written: whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import DiscLoopError

LOG_TAIL = 16_000


class WeightsError(DiscLoopError):
    """A model folder that is not what it says it is."""


@dataclass(frozen=True)
class RoundFolder:
    """`DISCLOOP_ROUNDS/<id>`."""

    root: Path

    @property
    def snapshot(self) -> Path:
        """Folder of `snapshot.json`."""
        return self.root / "snapshot"

    @property
    def snapshot_file(self) -> Path:
        """The frozen dataset."""
        return self.snapshot / "snapshot.json"

    @property
    def training(self) -> Path:
        """What the trainer writes to."""
        return self.root / "training"

    @property
    def weights(self) -> Path:
        """The challenger's folder."""
        return self.training / "weights"

    @property
    def evidence_file(self) -> Path:
        """What the verdict rests on."""
        return self.root / "evidence.json"

    def evaluation(self, name: str) -> Path:
        """The evaluation of `challenger`, `champion` or `first`."""
        return self.root / "evaluation" / f"{name}.json"

    def log(self, name: str) -> Path:
        """What a process said."""
        return self.root / f"{name}.log"

    def progress(self) -> dict[str, Any] | None:
        """The trainer's last complete line."""
        lines = self.history()
        return lines[-1] if lines else None

    def history(self) -> list[dict[str, Any]]:
        """Every complete line of progress; a line being written is left out."""
        try:
            text = (self.training / "progress.jsonl").read_text(encoding="utf-8")
        except OSError:
            return []
        found = []
        for line in text.split("\n")[:-1]:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict):
                found.append(entry)
        return found

    def said(self, name: str) -> str:
        """The end of a process's log."""
        try:
            with self.log(name).open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - LOG_TAIL))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def read_weights(folder: Path) -> tuple[str, str]:
    """Version and SHA-256 of the tensors that `model.json` names, after checking the file.

    Raises:
        WeightsError: If something is missing or the hash is another.
    """
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        version, named = str(description["version"]), str(description["sha256"])
        with (folder / "weights.pt").open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{folder.name}: a model is expected there ({type(error).__name__})") from None
    if found != named:
        raise WeightsError(
            f"{folder.name}/weights.pt: model.json names {named[:12]}, the file has {found[:12]}"
        )
    return version, named


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a kill at any moment leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
