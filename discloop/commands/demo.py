"""`discloop demo`: from nothing to readers at work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from discloop import credentials
from discloop.backend_client import BackendClient
from discloop.console import Json, print_json, result, words
from discloop.demo.loop import hand_out, wait_until_ready
from discloop.demo.people import SignIn, ensure_people
from discloop.demo.studies import Wanted, fill_store
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.play.errors import READER
from discloop.play.outcome import show_outcome
from discloop.play.rounds import rounds_of_play
from discloop.play.turn import Turn
from discloop.progress import Steps
from discloop.stack import background, preflight
from discloop.stack.background import BackgroundStack
from discloop.stack.ports import BackendPort, LabelStudioPort, MlPort, Ports
from discloop.stack.rounds import DEFAULT_ROUNDS
from discloop.stack.state import StackState, is_running
from domain.errors import DiscLoopError

app = typer.Typer()

PATIENCE_SECONDS = 60.0


@app.command()
def demo(
    home: HomeOption = DEFAULT_HOME,
    dicom: Annotated[
        Path | None,
        typer.Option(help="Your own DICOM in place of phantoms.", exists=True, file_okay=False),
    ] = None,
    studies: Annotated[int, typer.Option(min=1, help="How many phantom studies.")] = 24,
    seed: Annotated[int, typer.Option(help="The phantoms' seed.")] = 1,
    play: Annotated[
        bool, typer.Option("--play", help="Let simulated people read, adjudicate and retrain once.")
    ] = False,
    port_label_studio: LabelStudioPort = 8080,
    port_backend: BackendPort = 8081,
    port_ml: MlPort = 9090,
    as_json: Json = False,
) -> None:
    """Start everything with studies, proposals, people and their worklists; Ctrl-C stops all of it.

    A second start keeps what was read and takes seconds.
    """
    here, ports = Home.at(home), Ports(port_label_studio, port_backend, port_ml)
    here.create()
    if not is_running(here):
        preflight.check(here, ports)
    credentials.load_or_generate(here.secrets)
    began = time.monotonic()
    with background.running(here, ports, rounds_of_play(here) if play else DEFAULT_ROUNDS) as stack:
        sign_ins, addresses = _prepare(here, stack, Wanted(dicom, studies, seed))
        report = _report(sign_ins, addresses, time.monotonic() - began)
        print_json({"event": "ready", **report}) if as_json else _show(report)
        if play:
            client = _client(here, addresses["backend"])
            _play(Turn(here, client, addresses["label-studio"], sign_ins), as_json)
        if not stack.was_running:
            _stay(stack)


def _prepare(home: Home, stack: BackgroundStack, wanted: Wanted) -> tuple[list[SignIn], dict[str, str]]:
    with Steps(words()) as steps:
        fill_store(home, wanted, steps)
        with steps.step("Start Label Studio, backend, ML backend") as report:
            url = wait_until_ready(stack, report)
        client = _client(home, url)
        with steps.step("Add two readers, an adjudicator, an engineer"):
            sign_ins = ensure_people(client, home)
        hand_out(client, steps)
    return sign_ins, _addresses(stack.state())


def _client(home: Home, url: str) -> BackendClient:
    return BackendClient(url, credentials.load(home.secrets).api_token, patience_s=PATIENCE_SECONDS)


def _addresses(stack: StackState | None) -> dict[str, str]:
    if stack is None:
        raise DiscLoopError("the stack ended while it was being prepared")
    return {name: service.url for name, service in stack.services.items()}


def _report(sign_ins: list[SignIn], addresses: dict[str, str], took_s: float) -> dict[str, Any]:
    return {
        "addresses": addresses,
        "took_s": round(took_s, 1),
        "sign_ins": [
            {"id": one.id, "email": one.email, "role": one.role.value, "password": one.password}
            for one in sign_ins
        ],
    }


def _show(report: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    for title in ("role", "e-mail", "password"):
        table.add_column(title)
    for one in report["sign_ins"]:
        table.add_row(one["role"], one["email"], one["password"])
    console = result()
    console.print()
    console.print(table)
    console.print()
    console.print(f"Readers and the adjudicator: {report['addresses']['label-studio']}", soft_wrap=True)
    console.print(f"The loop, for the engineer:  {report['addresses']['backend']}", soft_wrap=True)
    console.print(f"Ready after {report['took_s']:.0f} s. Not for clinical use. Ctrl-C stops everything.")


def _play(turn: Turn, as_json: bool) -> None:
    if not as_json:
        words().print(
            "[bold]Playing one turn of the loop with simulated people.[/] A reader:", soft_wrap=True
        )
        words().print(f"  {READER.in_words()}.", soft_wrap=True)
    with Steps(words()) as steps:
        outcome = turn.play(steps)
    print_json({"event": "played", **outcome}) if as_json else show_outcome(outcome)


def _stay(stack: BackgroundStack) -> None:
    """Until Ctrl-C, or until the stack ends by itself."""
    while True:
        stack.state()
        time.sleep(1)
