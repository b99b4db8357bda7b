"""`discloop rank`: the next units to read, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()


@app.command()
def rank(
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """List the units that teach the model most, each with the reasons in words."""
    report = client_of(Home.at(home)).get("/api/ranking", limit=limit)
    if as_json:
        print_json(report)
    else:
        _say(report)


def _say(report: dict[str, Any]) -> None:
    console = result()
    console.print(f"{report['eligible']} unread studies have a proposal, {report['waiting']} wait for one")
    for pick in report["picks"]:
        line = f"{pick['unit']}  {pick['stratum']:6}  {pick['score']:.3f}  {pick['explanation']}"
        console.print(line, markup=False, soft_wrap=True)
