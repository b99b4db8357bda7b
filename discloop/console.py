"""What a command says: progress and words to standard error, its result to standard output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

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


def progress(console: Console) -> Progress:
    """A bar a step, with the time it took; on a terminal live, in a file one line at the end."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
        console=console,
    )
