"""Progress of long steps: bars on a terminal, lines in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Report(Protocol):
    """How a step says how far it is."""

    def __call__(self, done: float, total: float | None, detail: str = "") -> None: ...


class Steps:
    """The steps of one command, in the order they are begun."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars: Progress | None = None

    def __enter__(self) -> Steps:
        if self._console.is_terminal:
            self._bars = _bars(self._console)
            self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Report]:
        """One step: finished when the block ends without an error."""
        if self._bars is None:
            lines = _Lines(self._console, title)
            yield lines
            lines.finish()
            return
        bar = _Bar(self._bars, title)
        yield bar
        bar.finish()


class _Bar:
    def __init__(self, bars: Progress, title: str) -> None:
        self._bars = bars
        self._task: TaskID = bars.add_task(title, total=None, detail="")

    def __call__(self, done: float, total: float | None, detail: str = "") -> None:
        self._bars.update(self._task, completed=done, total=total, detail=detail)

    def finish(self) -> None:
        total = self._bars.tasks[self._task].total or 1
        self._bars.update(self._task, completed=total, total=total)


class _Lines:
    """A line at the start, at each quarter, and at the end."""

    def __init__(self, console: Console, title: str) -> None:
        self._console, self._title, self._quarter, self._detail = console, title, 0, ""
        self._say("...")

    def __call__(self, done: float, total: float | None, detail: str = "") -> None:
        self._detail = detail
        quarter = int(4 * done / total) if total else 0
        if self._quarter < quarter < 4:
            self._quarter = quarter
            self._say(f"{25 * quarter} % {detail}")

    def finish(self) -> None:
        self._say(f"done {self._detail}".rstrip())

    def _say(self, words: str) -> None:
        self._console.print(f"{self._title}: {words}", markup=False, soft_wrap=True)


def _bars(console: Console) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}"),
        console=console,
    )
