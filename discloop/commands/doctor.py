"""`discloop doctor`: what is wrong here, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain

import typer

from discloop.cli import FAILED
from discloop.console import Json, print_json, result
from discloop.doctor import folder, installation
from discloop.doctor import stack as running
from discloop.doctor.findings import Finding, State, ok, problem
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.stack import state
from discloop.stack.ports import BackendPort, LabelStudioPort, MlPort, Ports
from domain.errors import DiscLoopError

COLOURS = {State.OK: "green", State.WARNING: "yellow", State.PROBLEM: "red"}

app = typer.Typer()


@app.command()
def doctor(
    home: HomeOption = DEFAULT_HOME,
    port_label_studio: LabelStudioPort = 8080,
    port_backend: BackendPort = 8081,
    port_ml: MlPort = 9090,
    as_json: Json = False,
) -> None:
    """Examine environments, disk, rights, databases, weights and, if it runs, the stack and its guard.

    Changes nothing. Exits 1 if there is a problem.
    """
    here = Home.at(home)
    found = examine(here, Ports(port_label_studio, port_backend, port_ml))
    healthy = all(one.state is not State.PROBLEM for one in found)
    if as_json:
        print_json({"home": str(here.root), "healthy": healthy, "findings": [asdict(one) for one in found]})
    else:
        _show(found)
    if not healthy:
        raise typer.Exit(FAILED)


def examine(home: Home, ports: Ports) -> list[Finding]:
    """Every finding; `ports` matter only where no stack runs."""
    if not home.root.is_dir():
        missing = problem("home", f"{home.root}: there is no such folder", f"discloop up --home {home.root}")
        return [*installation.examine(), missing]
    stack = state.read(home)
    last = running.examine(home, stack) if stack else iter([_ports(ports)])
    return list(chain(installation.examine(), folder.examine(home), last))


def _ports(ports: Ports) -> Finding:
    try:
        ports.require_free()
    except DiscLoopError as error:
        return problem("ports", str(error), "stop what uses it, or choose other ports")
    return ok("ports", f"{ports.label_studio}, {ports.backend} and {ports.ml} are free")


def _show(found: list[Finding]) -> None:
    from rich.markup import escape

    console = result()
    for one in found:
        colour = COLOURS[one.state]
        said = escape(f"{one.check:<26} {one.found}")
        console.print(f"[{colour}]{one.state.value:<8}[/] {said}", soft_wrap=True)
        if one.cure:
            console.print(escape(f"{'':<35} → {one.cure}"), soft_wrap=True)
