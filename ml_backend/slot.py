"""The model in service. A new one is loaded, checked and warmed beside it, then takes its place at once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from domain.errors import DiscLoopError
from ml_backend.model import LoadedModel, load_model
from ml_backend.proposer import propose_slices
from ml_backend.runtimes import RuntimeName


class OlderGeneration(DiscLoopError):
    """The control plane asked for a generation that has already been passed."""


@dataclass(frozen=True)
class InService:
    """The model in service and its generation; 0 is what the process started with."""

    model: LoadedModel
    generation: int


class ModelSlot:
    """Holds the model in service. Requests take it once and keep it to their end."""

    def __init__(self, *, runtime: RuntimeName, threads: int) -> None:
        self._runtime, self._threads = runtime, threads
        self._loading = threading.Lock()
        self._current: InService | None = None

    @property
    def current(self) -> InService:
        """What serves now.

        Raises:
            DiscLoopError: Nothing has been loaded.
        """
        if self._current is None:
            raise DiscLoopError("no model is loaded yet")
        return self._current

    @property
    def loaded(self) -> bool:
        """Whether anything serves."""
        return self._current is not None

    def load(self, folder: Path, *, generation: int = 0, expected_sha256: str | None = None) -> InService:
        """Load, check, warm up and swap in the model of a folder. The same generation again changes nothing.

        Raises:
            OlderGeneration: A later generation serves already.
            DiscLoopError: The folder is no model or its hash does not fit; the old one goes on serving.
        """
        with self._loading:
            serving = self._current
            if serving is not None and generation < serving.generation:
                raise OlderGeneration(f"generation {serving.generation} serves, {generation} was asked for")
            if serving is not None and generation == serving.generation:
                if expected_sha256 not in (None, serving.model.description.sha256):
                    raise OlderGeneration(f"generation {generation} serves already, with other weights")
                return serving
            model = load_model(
                folder, runtime=self._runtime, threads=self._threads, expected_sha256=expected_sha256
            )
            _warm_up(model)
            self._current = InService(model, generation)
            return self._current


def _warm_up(model: LoadedModel) -> None:
    grey = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1))
    propose_slices(model, [grey])
    boxes = np.array([[90, 150 - 40 * i, 150, 170 - 40 * i] for i in range(3)], np.float32)
    model.grade(grey, boxes)
