"""`discloop ingest`: tell the backend of the studies in its store."""

from __future__ import annotations

import typer

from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()


@app.command()
def ingest(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Read the store's manifest into the backend; safe to run again."""
    report = client_of(Home.at(home)).post("/api/studies")
    if as_json:
        print_json(report)
    else:
        result().print_json(data=report)
