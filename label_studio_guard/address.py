"""From where a request comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def browsers_address(meta: Mapping[str, Any], *, behind_proxy: bool) -> str:
    """The browser's address, from a request's `META`.

    Args:
        meta: As WSGI gives it.
        behind_proxy: Every request comes through our proxy: the last address it wrote down is the browser's,
            and those before it are only said. Without a proxy nothing that is said counts.
    """
    if behind_proxy:
        return str(meta.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
    return str(meta.get("REMOTE_ADDR", ""))
