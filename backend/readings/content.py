"""The one form in which content is hashed and kept."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(result: Any) -> str:
    """A result as JSON with sorted keys, no blanks, nothing escaped: the text that the guard hashes."""
    return json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """SHA-256 of a text, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
