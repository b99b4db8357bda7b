"""`discloop calibrate`: what a reader passes before the first unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from discloop.agreement.decoding import read_text
from discloop.agreement.table import Sheet, parse
from discloop.backend_client import client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from domain.errors import DiscLoopError
from domain.taxonomy import GRADES, Level

COLUMNS = ("study", "level", "pfirrmann", "explanation")

app = typer.Typer()
calibrate = typer.Typer(help="Lay a calibration key down; see who has passed.", no_args_is_help=True)
app.add_typer(calibrate, name="calibrate")


@calibrate.command("set")
def lay_down(
    key: Annotated[
        Path, typer.Argument(help="CSV with study, level, pfirrmann, explanation; a line a disc.")
    ],
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Lay a key down: its patients leave every plan, and readers pass it before their first unit."""
    text, _encoding = read_text(key)
    discs = discs_of(parse(text, key.name))
    laid = client_of(Home.at(home)).post("/api/calibration", {"discs": discs})
    if as_json:
        print_json(laid)
    else:
        result().print(f"set {laid['id']}: {laid['cases']} cases, {laid['discs']} discs", markup=False)


def discs_of(sheet: Sheet) -> list[dict[str, Any]]:
    """The lines of a key, as the backend takes them.

    Raises:
        DiscLoopError: Naming file, row and column of what is wrong.
    """
    missing = [name for name in COLUMNS if name not in sheet.header]
    if missing:
        raise DiscLoopError(
            f"{sheet.file}: expected the columns {', '.join(COLUMNS)}; {missing[0]} is missing"
        )
    found = []
    for row, *cells in zip(sheet.rows, *(sheet.column(name) for name in COLUMNS), strict=True):
        study, level, grade, explanation = cells
        if level not in set(Level):
            raise DiscLoopError(f"{sheet.file} row {row}, level: expected one like L4/5, got {level!r}")
        if grade not in {str(one) for one in GRADES}:
            raise DiscLoopError(f"{sheet.file} row {row}, pfirrmann: expected 1 to 5, got {grade!r}")
        found.append({"study": study, "level": level, "pfirrmann": int(grade), "explanation": explanation})
    return found


@calibrate.command("show")
def show(home: HomeOption = DEFAULT_HOME, as_json: Json = False) -> None:
    """Show who has passed, attempt by attempt."""
    standing = client_of(Home.at(home)).get("/api/calibration")
    if as_json:
        print_json(standing)
        return
    if standing["set"] is None:
        result().print("no calibration set: readers read at once", markup=False)
    for reader in standing["readers"]:
        state = "passed" if reader["passed"] else "not yet"
        result().print(f"{reader['reader']}  {reader['name']}  {state}", markup=False)
        for one in reader["attempts"]:
            result().print(f"  {_words(one)}", markup=False)


def _words(attempt: dict[str, Any]) -> str:
    if attempt["finished_at"] is None:
        return f"attempt {attempt['number']}: in work"
    kappa = "none" if attempt["kappa_linear"] is None else f"{attempt['kappa_linear']:.2f}"
    near = f"{attempt['within_one']} of {attempt['discs']} within one, {attempt['exact']} exact"
    return f"attempt {attempt['number']}: linear kappa {kappa}, {near}"
