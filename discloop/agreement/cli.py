"""`discloop agreement FILE.csv`: statistics of any table of readings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discloop.agreement.table import Table, read_table
from discloop.atomic import write_text
from domain.agreement import report
from domain.agreement.page import page
from domain.errors import DiscLoopError

app = typer.Typer()


@app.command()
def agreement(
    file: Annotated[Path, typer.Argument(help="CSV: patient, study, level, reader, pfirrmann, ...")],
    html: Annotated[Path | None, typer.Option(help="Write a self-contained report with charts here.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as JSON (the default without --html).")
    ] = False,
    resamples: Annotated[
        int, typer.Option(min=100, max=100_000, help="Bootstrap resamples of patients.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 1,
    arm: Annotated[
        str, typer.Option(help="Arm of the headline where the table has arms; `all` for every arm.")
    ] = "unaided",
    resample_readers: Annotated[
        bool,
        typer.Option(
            "--resample-readers", help="Resample readers too, for readers like these (four or more)."
        ),
    ] = False,
    model: Annotated[
        list[str] | None, typer.Option(help="A name in `reader` that is a model; may be repeated.")
    ] = None,
    consensus: Annotated[
        list[str] | None, typer.Option(help="A name in `reader` that is a consensus; may be repeated.")
    ] = None,
) -> None:
    """Agreement of any table of readings, with intervals by resampling patients. Needs no server."""
    table = read_table(file, models=model or (), consensus=consensus or ())
    _demand_arm(table, file.name, arm)
    done = report(table.readings, resamples=resamples, seed=seed, arm=arm, resample_readers=resample_readers)
    if html is not None:
        if not html.parent.is_dir():
            raise DiscLoopError(f"--html {html}: the folder {html.parent} does not exist")
        if html.is_dir():
            raise DiscLoopError(f"--html {html}: expected a file, got a folder")
        write_text(html, page(done, title=file.name))
        typer.echo(f"wrote {html}", err=True)
    if table.taken:
        taken = ", ".join(f"{said!r} as {column}" for said, column in table.taken)
        typer.echo(f"columns taken: {taken}", err=True)
    if table.ignored:
        typer.echo(f"columns not used: {', '.join(table.ignored)}", err=True)
    if as_json or html is None:
        typer.echo(done.model_dump_json())


def _demand_arm(table: Table, name: str, arm: str) -> None:
    """A misspelt arm is an error; a table without unaided readings gets a report that says so."""
    labels = table.readings.arm.labels
    if labels and arm not in (*labels, "all", "unaided"):
        raise DiscLoopError(f"{name}, column 'arm': no arm {arm!r}; found {', '.join(labels)}")
