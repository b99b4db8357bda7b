"""`discloop backup`: everything of a home in one folder, while readers go on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discloop.backup.sealing import read_key
from discloop.backup.writing import back_up
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption

KeyOption = Annotated[
    Path | None,
    typer.Option("--key", help="File with 64 hexadecimal digits that seal the backup.", dir_okay=False),
]

app = typer.Typer()


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; absent or empty.")],
    key: KeyOption = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Copy both databases, slices, weights, rounds, keys and secrets as of one moment.

    The stack may run. Without --key the backup names patients to whoever reads it, as the home does.
    """
    contents = back_up(Home.at(home), target.expanduser().absolute(), read_key(key) if key else None)
    size = sum(file.size for file in contents.files)
    report = {
        "backup": str(target),
        "sealed": key is not None,
        "made_at": contents.made_at,
        "files": len(contents.files),
        "bytes": size,
        **contents.position.model_dump(),
    }
    if as_json:
        print_json(report)
        return
    console = result()
    console.print(f"{len(contents.files)} files, {size / 1e6:.1f} MB, to {target}")
    console.print(f"Write down elsewhere: audit head {contents.position.audit_head}")
    if key is None:
        console.print(
            "Not sealed: it holds the pseudonyms' key. Seal it with --key, or guard it as the home."
        )
