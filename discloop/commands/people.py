"""`discloop people`: who reads, adjudicates and runs the rounds."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from discloop import credentials
from discloop.backend_client import BackendClient, client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from domain.taxonomy import Role

app = typer.Typer()
people = typer.Typer(help="List and add readers, adjudicators, engineers.", no_args_is_help=True)
app.add_typer(people, name="people")


@people.command("list")
def list_people(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """List everybody the backend knows."""
    known = client_of(Home.at(home)).get("/api/people")
    if as_json:
        print_json(known)
        return
    _show(rows_of(known))


@people.command("add")
def add_person(
    email: Annotated[str, typer.Argument(help="The address they sign in with.")],
    name: Annotated[str, typer.Option(help="The name that pages show.")],
    role: Annotated[Role, typer.Option(help="What they may do.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Add a person with a generated password, which is printed once and kept nowhere."""
    password = credentials.password()
    person = create(client_of(Home.at(home)), email, name, role, password)
    if as_json:
        print_json({**person, "password": password})
    else:
        result().print(f"{person['id']}  {email}  {role.value}  password: {password}", markup=False)


def create(client: BackendClient, email: str, name: str, role: Role, password: str) -> dict[str, Any]:
    """Add one person; the backend's row."""
    body = {"email": email, "name": name, "role": role.value, "password": password}
    person: dict[str, Any] = client.post("/api/people", body)
    return person


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """The rows of a listing, whether bare or under a name."""
    rows: list[dict[str, Any]] = answer if isinstance(answer, list) else next(iter(answer.values()))
    return rows


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(box=None)
    for title in ("id", "e-mail", "name", "role", "active"):
        table.add_column(title)
    for row in rows:
        table.add_row(row["id"], row["email"], row["name"], row["role"], "yes" if row["active"] else "no")
    result().print(table)
