"""`discloop round`: retraining, from plan to promotion."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()
rounds = typer.Typer(help="Plan, approve, start and follow retraining rounds.", no_args_is_help=True)
app.add_typer(rounds, name="round")

RoundId = Annotated[str, typer.Argument(metavar="ROUND", help="The round's id, as `round list` shows it.")]


@rounds.command("plan")
def plan(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Plan a round from the consensus that is new since the last one."""
    _say(client_of(Home.at(home)).post("/api/rounds"), as_json)


@rounds.command("list")
def list_rounds(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """List all rounds."""
    _say(client_of(Home.at(home)).get("/api/rounds"), as_json)


@rounds.command("show")
def show(round_id: RoundId, home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Show one round: its state, snapshot, progress, and the gate's word."""
    _say(client_of(Home.at(home)).get(f"/api/rounds/{round_id}"), as_json)


def _step(name: str, summary: str) -> None:
    def step(round_id: RoundId, home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
        _say(client_of(Home.at(home)).post(f"/api/rounds/{round_id}/{name}"), as_json)

    rounds.command(name, help=summary)(step)


_step("approve", "Approve a planned round.")
_step("start", "Queue an approved round for training.")
_step("cancel", "Cancel a round that has not been promoted.")
_step("promote", "Promote the model of a round that passed the gate.")
_step("rollback", "Go back to the model before this round's.")


def _say(answer: Any, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        result().print_json(data=answer)
