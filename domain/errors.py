"""The one base error: what was expected, what came, and where."""

from __future__ import annotations


class DiscLoopError(Exception):
    """A wrong input that the person who gave it can mend. Commands exit 2 with its one line."""
