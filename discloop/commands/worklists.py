"""`discloop worklists`: who reads what."""

from __future__ import annotations

import typer

from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()
worklists = typer.Typer(help="Plan who reads what.", no_args_is_help=True)
app.add_typer(worklists, name="worklists")


@worklists.command("plan")
def plan(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Assign every unit that lacks readers to two of them; arms are drawn per patient."""
    report = client_of(Home.at(home)).post("/api/worklists/plan")
    if as_json:
        print_json(report)
    else:
        result().print_json(data=report)


@worklists.command("show")
def show(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Show how far each reader is."""
    report = client_of(Home.at(home)).get("/api/worklists")
    if as_json:
        print_json(report)
    else:
        result().print_json(data=report)
