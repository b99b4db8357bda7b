"""`discloop audit`: who did what, whether the trail was changed, and how blind a study was read."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from discloop.backend_client import client_of
from discloop.cli import FAILED
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()
audit = typer.Typer(help="The audit trail, both logs, the blindness certificate.", no_args_is_help=True)
app.add_typer(audit, name="audit")

Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many, newest first.")]


@audit.command("verify")
def verify(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Follow the chain of hashes; exit 1 if it is broken. Keep the last hash elsewhere."""
    found = client_of(Home.at(home)).get("/api/audit/verify")
    if as_json:
        print_json(found)
    elif found["intact"]:
        result().print(f"intact: {found['entries']} acts, last hash {found['head']}", markup=False)
    else:
        result().print(f"BROKEN at entry {found['broken_at']}: the trail was changed", markup=False)
    if not found["intact"]:
        raise typer.Exit(FAILED)


@audit.command("accesses")
def accesses(home: HomeOption = DEFAULT_HOME, limit: Limit = 100, as_json: Json = False) -> None:
    """Show who was given labels that are not theirs."""
    _show_log(home, "accesses", limit, as_json)


@audit.command("denials")
def denials(home: HomeOption = DEFAULT_HOME, limit: Limit = 100, as_json: Json = False) -> None:
    """Show what was refused to whom."""
    _show_log(home, "denials", limit, as_json)


@audit.command("certificate")
def certificate(
    study: Annotated[str, typer.Argument(help="The study's pseudonym.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Show every access to each reading of a study before both were signed."""
    made = client_of(Home.at(home)).get(f"/api/audit/certificate/{quote(study, safe='')}")
    if as_json:
        print_json(made)
        return
    for unit in made["units"]:
        until = unit["both_signed_at"] or "not yet"
        line = f"{unit['unit']}: both signed {until}; {len(unit['accesses'])} accesses before,"
        result().print(f"{line} {unit['by_its_readers']} by its readers", markup=False)
        for one in unit["accesses"]:
            result().print(f"  {_line(one)}", markup=False)
    for one in made["cannot_see"]:
        result().print(f"Not seen: {one}", markup=False)


@audit.command("clear-canary")
def clear_canary(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Let provisioning go on, once the leak that the canary found is closed."""
    cleared = client_of(Home.at(home)).post("/api/canary/clear")
    if as_json:
        print_json(cleared)
    else:
        result().print("cleared; the next probe is within a minute", markup=False)


def _show_log(home: Any, name: str, limit: int, as_json: bool) -> None:
    log = client_of(Home.at(home)).get(f"/api/audit/{name}", limit=limit)
    if as_json:
        print_json(log)
        return
    for one in log["lines"]:
        result().print(_line(one), markup=False)
    if not log["guard_answered"]:
        result().print("Label Studio does not answer: its half is missing.", markup=False)


def _line(one: dict[str, Any]) -> str:
    return f"{one['at']}  {one['who']}  {one['what']}  {one['via']}"
