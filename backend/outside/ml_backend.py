"""The ML backend's endpoints for the control plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, ConfigDict

from backend.outside.http import call, read
from domain.taxonomy import Plane

SERVICE = "the ML backend"
USER = "discloop"


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True)


class UnitToPropose(_Body):
    """One unit: paths relative to the store, `spacing` in millimetres a pixel."""

    unit: str
    plane: Plane
    midline: int
    slices: tuple[str, ...]
    spacing: float


class ProposalsRequest(_Body):
    units: tuple[UnitToPropose, ...]


class ProposalsAnswer(_Body):
    model: str
    proposals: dict[str, dict[str, Any]]
    """By unit: a `domain.findings.Proposal`, or `{"error": "..."}`."""


class ServedModel(_Body):
    version: str
    generation: int = 0
    sha256: str | None = None


class Generation(_Body):
    """Weights to swap to; `path` is a folder's name in the weights folder."""

    generation: int
    version: str
    sha256: str
    path: str


class MlBackend(Protocol):
    """What the backend asks of the ML backend."""

    def model(self) -> ServedModel:
        """The weights that answer now."""

    def propose(self, units: Sequence[UnitToPropose]) -> ProposalsAnswer:
        """Findings on each unit."""

    def set_generation(self, generation: Generation) -> ServedModel:
        """Load, check, warm and swap weights."""


class HttpMlBackend:
    """The ML backend over HTTP with basic authentication."""

    def __init__(self, address: str, password: str) -> None:
        self._client = httpx.Client(
            base_url=address, auth=(USER, password), timeout=httpx.Timeout(300, connect=3)
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def model(self) -> ServedModel:
        """See `MlBackend`."""
        return read(ServedModel, SERVICE, call(self._client, SERVICE, "GET", "/model"))

    def propose(self, units: Sequence[UnitToPropose]) -> ProposalsAnswer:
        """See `MlBackend`."""
        answer = call(self._client, SERVICE, "POST", "/proposals", ProposalsRequest(units=tuple(units)))
        return read(ProposalsAnswer, SERVICE, answer)

    def set_generation(self, generation: Generation) -> ServedModel:
        """See `MlBackend`."""
        answer = call(self._client, SERVICE, "POST", "/generation", generation)
        return read(ServedModel, SERVICE, answer)
