"""What a command says: progress and words to standard error, its result to standard output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON only.")]


def print_json(value: Any) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def words() -> Console:
    """The console for people: standard error, so that standard output stays the result alone."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def result() -> Console:
    """The console for a result that people read."""
    from rich.console import Console

    return Console(highlight=False)
