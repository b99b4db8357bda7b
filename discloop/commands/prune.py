"""`discloop prune`: make room without touching what is evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from discloop import maintenance
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.pruning import removable, remove

app = typer.Typer()


@app.command()
def prune(
    days: Annotated[int, typer.Option(min=1, help="Rounds that ended longer ago than this.")] = 90,
    log_mb: Annotated[int, typer.Option(min=1, help="Logs larger than this lose their older half.")] = 50,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only say what would go.")] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Remove checkpoints and networks of old failed, cancelled and promoted rounds, and halve large logs.

    Snapshots, evaluations, evidence and every network that served stay.
    """
    here = Home.at(home)
    with maintenance.held(here):
        items = removable(
            here, older_than=timedelta(days=days), largest_log_bytes=log_mb * 10**6, now=datetime.now(UTC)
        )
        if yes:
            remove(here, items)
    size = sum(item.bytes for item in items)
    if as_json:
        found = [{"path": str(i.path.relative_to(here.root)), "bytes": i.bytes, "why": i.why} for i in items]
        print_json({"home": str(here.root), "removed": yes, "bytes": size, "items": found})
        return
    console = result()
    for item in items:
        console.print(f"{item.bytes / 1e6:9.1f} MB  {item.path}: {item.why}", soft_wrap=True, markup=False)
    console.print(f"{size / 1e6:.1f} MB {'removed' if yes else 'could go: say --yes'}")
