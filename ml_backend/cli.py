"""Commands that the composition root mounts: `propose` and `evaluate`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from domain.errors import DiscLoopError
from domain.taxonomy import Split
from ml_backend.runtimes import RuntimeName
from ml_backend.weights import BUNDLED

app = typer.Typer(help="The model: proposals and evaluation.", no_args_is_help=True)


@app.command()
def propose(
    paths: Annotated[list[Path], typer.Argument(help="PNG or DICOM files, or folders of them.")],
    out: Annotated[Path | None, typer.Option(help="Folder for pictures with the boxes drawn.")] = None,
    weights: Annotated[
        Path, typer.Option(help="Folder of the model; the bundled one if not given.")
    ] = BUNDLED,
    runtime: Annotated[RuntimeName, typer.Option(help="What evaluates the networks.")] = RuntimeName.EAGER,
    json_lines: Annotated[bool, typer.Option("--json", help="The default and only form.")] = True,
) -> None:
    """Propose discs, grades and lesions on pictures: one JSON line a picture on standard output."""
    from ml_backend.propose import propose_paths

    del json_lines
    try:
        for line in propose_paths(paths, out, weights=weights, runtime=runtime):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
    except DiscLoopError as error:
        _refuse(error)


@app.command()
def evaluate(
    snapshot: Annotated[Path, typer.Option(help="Folder with snapshot.json.")],
    store: Annotated[Path, typer.Option(help="The store that the slices lie in.")],
    weights: Annotated[
        Path, typer.Option(help="Folder of the model; the bundled one if not given.")
    ] = BUNDLED,
    split: Annotated[Split, typer.Option(help="Which patients.")] = Split.TEST,
    out: Annotated[Path | None, typer.Option(help="JSON file; standard output if not given.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Report with charts and pictures of the worst errors, one file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The default and only form.")] = True,
) -> None:
    """Evaluate a model on labelled patients: each study's discs, and the papers' tables with intervals."""
    from ml_backend.evaluate import Evaluated, write_report, write_whole

    del as_json
    try:
        evaluated = Evaluated.of(weights, snapshot, store, split=split)
        report: dict[str, Any] = evaluated.report()
        if html is not None:
            from ml_backend.report import render

            write_whole(render(evaluated, report), html)
        if out is None:
            sys.stdout.write(json.dumps(report) + "\n")
        else:
            write_report(report, out)
    except DiscLoopError as error:
        _refuse(error)


def _refuse(error: DiscLoopError) -> None:
    typer.echo(str(error), err=True)
    raise typer.Exit(2) from error
