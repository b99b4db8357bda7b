"""`discloop status`: what runs, what is healthy, where the loop stands."""

from __future__ import annotations

from typing import Any

import typer

from discloop.backend_client import client_of
from discloop.cli import FAILED
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from discloop.stack import probe, state

app = typer.Typer()


@app.command()
def status(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Show each service's health and where the loop stands; exit 1 unless all are ready."""
    report = look(Home.at(home))
    if as_json:
        print_json(report)
    else:
        _show(report)
    if not report["ready"]:
        raise typer.Exit(FAILED)


def look(home: Home) -> dict[str, Any]:
    """The report of `discloop status --json`."""
    stack = state.read(home)
    if stack is None:
        return {"home": str(home.root), "running": False, "ready": False, "services": {}, "loop": None}
    services: dict[str, Any] = {}
    for name, service in stack.services.items():
        code, body = probe.ask(f"{service.url}/ready")
        services[name] = {
            "title": service.title,
            "url": service.url,
            "pid": service.pid,
            "restarts": service.restarts,
            "ready": code == 200,
            "reason": None if code == 200 else " ".join(body.split())[:300],
        }
    ready = bool(services) and all(service["ready"] for service in services.values())
    loop = client_of(home).get("/api/status") if services["backend"]["ready"] else None
    return {"home": str(home.root), "running": True, "ready": ready, "services": services, "loop": loop}


def _show(report: dict[str, Any]) -> None:
    from rich.table import Table

    console = result()
    if not report["running"]:
        console.print(f"No stack runs on {report['home']}.")
        return
    table = Table(box=None)
    for title in ("service", "address", "process", "restarts", "health"):
        table.add_column(title)
    for service in report["services"].values():
        health = "[green]ready[/]" if service["ready"] else f"[red]{service['reason']}[/]"
        table.add_row(service["title"], service["url"], str(service["pid"]), str(service["restarts"]), health)
    console.print(table)
    if report["loop"] is not None:
        console.print_json(data=report["loop"])
