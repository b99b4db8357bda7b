"""`discloop people`: who reads, adjudicates and runs the rounds."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from domain.taxonomy import Role

app = typer.Typer()
people = typer.Typer(help="List, add, sign out, retire and replace people.", no_args_is_help=True)
app.add_typer(people, name="people")

PersonId = Annotated[str, typer.Argument(help="The person's id, as `people list` shows it.")]


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
    """Add a person with a one-time password, which is printed once and kept nowhere."""
    client = client_of(Home.at(home))
    person = client.post("/api/people", {"email": email, "name": name, "role": role.value})
    password = client.post(f"/api/people/{person['id']}/password")["password"]
    if as_json:
        print_json({**person, "password": password})
    else:
        result().print(f"{person['id']}  {email}  {role.value}  password: {password}", markup=False)


@people.command("password")
def new_password(person: PersonId, home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Make a new one-time password, printed once; ends the person's sessions."""
    made = client_of(Home.at(home)).post(f"/api/people/{quote(person, safe='')}/password")
    if as_json:
        print_json({"id": person, **made})
    else:
        result().print(f"{person}  password: {made['password']}", markup=False)


@people.command("sign-out")
def sign_out(person: PersonId, home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """End a person's sessions; their password stays."""
    client_of(Home.at(home)).post(f"/api/people/{quote(person, safe='')}/sign-out")
    _say(person, "signed out", as_json)


@people.command("retire")
def retire(person: PersonId, home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """End a person's access for good; nobody is ever deleted, what they read stays theirs."""
    client_of(Home.at(home)).post(f"/api/people/{quote(person, safe='')}/retire")
    _say(person, "retired", as_json)


@people.command("replace")
def replace(
    person: PersonId,
    substitute: Annotated[str, typer.Option(help="Id of who takes over what is unread.")],
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Retire a person; what they have not read goes to a substitute, what they read stays theirs."""
    path = f"/api/people/{quote(person, safe='')}/replace"
    done = client_of(Home.at(home)).post(path, {"substitute": substitute})
    if as_json:
        print_json({"id": person, "substitute": substitute, **done})
        return
    result().print(f"{person}  retired; {done['moved']} units to {substitute}", markup=False)
    if done["stayed"]:
        result().print(
            f"{done['stayed']} stay, for another substitute: {substitute} reads them", markup=False
        )
    if done["withdrawn"]:
        result().print(f"{done['withdrawn']} hidden repeats taken back", markup=False)


def _say(person: str, state: str, as_json: bool) -> None:
    if as_json:
        print_json({"id": person, "state": state})
    else:
        result().print(f"{person}  {state}", markup=False)


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
