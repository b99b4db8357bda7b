"""The tested Label Studio, or none. Imports nothing of Django: asked before it is set up."""

from __future__ import annotations

import importlib.metadata

from domain.errors import DiscLoopError
from label_studio_guard import LABEL_STUDIO


def check_version() -> None:
    """Refuse a Label Studio the guard was not tested with.

    Raises:
        DiscLoopError: Naming both versions.
    """
    found = importlib.metadata.version("label-studio")
    if found != LABEL_STUDIO:
        raise DiscLoopError(
            f"the guard was tested with Label Studio {LABEL_STUDIO}, found {found}: refusing to start"
        )
