"""Ports to the services the backend talks to, one module each: a Protocol, and its HTTP form."""

from __future__ import annotations

from dataclasses import dataclass

from backend.outside.front_door import FrontDoor
from backend.outside.guard import Guard
from backend.outside.label_studio import LabelStudio
from backend.outside.ml_backend import MlBackend


@dataclass(frozen=True)
class Outside:
    """Every other service."""

    guard: Guard
    label_studio: LabelStudio
    ml_backend: MlBackend
    front_door: FrontDoor
