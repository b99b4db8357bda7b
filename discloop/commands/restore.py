"""`discloop restore`: a backup becomes a home again, on this machine or another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discloop.backup.restoring import restore as bring_back
from discloop.backup.sealing import read_key
from discloop.commands.backup import KeyOption
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

app = typer.Typer()


@app.command()
def restore(
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="What discloop backup wrote.", exists=True, file_okay=False)
    ],
    key: KeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Write a backup to a new home, once every file's hash and the audit trail are verified.

    Everybody signs in anew. Who was retired after the backup was made is back: look at discloop people.
    """
    here = Home.at(home)
    contents, epoch = bring_back(source, here, read_key(key) if key else None)
    report = {
        "home": str(here.root),
        "made_at": contents.made_at,
        "files": len(contents.files),
        "epoch": epoch,
        "audit_intact": True,
        **contents.position.model_dump(exclude={"epoch"}),
    }
    if as_json:
        print_json(report)
        return
    console = result()
    console.print(f"{here.root}: as of {contents.made_at}, {contents.position.revisions} revisions")
    console.print(f"Every hash and the audit trail verify. Start it: discloop up --home {here.root}")
