"""`discloop simulate`: the loop replayed on labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discloop.console import Json, print_json, result, words
from discloop.progress import Steps
from discloop.simulate.data import read_discs
from discloop.simulate.picture import picture
from discloop.simulate.readers import ErrorModel
from discloop.simulate.report import SimulationReport, run
from discloop.simulate.strategies import STRATEGIES
from domain.errors import DiscLoopError

FEWEST_PATIENTS = 20

app = typer.Typer()


@app.command()
def simulate(
    data: Annotated[Path, typer.Option(help="Folder with gradings.csv, as SPIDER's.")],
    seeds: Annotated[int, typer.Option(min=2, max=1000, help="Paired runs of each strategy.")] = 20,
    errors: Annotated[ErrorModel, typer.Option(help="How the simulated readers err.")] = ErrorModel.STATED,
    image: Annotated[Path | None, typer.Option("--picture", help="Write the curves there, as SVG.")] = None,
    resample: Annotated[
        bool, typer.Option("--resample-patients", help="Draw each seed's patients with replacement.")
    ] = False,
    as_json: Json = False,
) -> None:
    """How many labels the ranking needs against random order. Everything printed is simulated."""
    discs = read_discs(data)
    if len(discs.patients) < FEWEST_PATIENTS:
        raise DiscLoopError(
            f"--data: at least {FEWEST_PATIENTS} patients are needed, {data} holds {len(discs.patients)}"
        )
    with (
        Steps(words()) as steps,
        steps.step(f"Replaying {seeds} seeds of {len(STRATEGIES)} strategies") as done,
    ):
        report, curves = run(discs, seeds=seeds, errors=errors, resample=resample, done=done)
    if image is not None:
        image.write_text(picture(curves, report), encoding="utf-8")
    if as_json:
        print_json(report.model_dump(mode="json"))
    else:
        _say(report)


def _say(report: SimulationReport) -> None:
    console = result()
    console.print(f"Simulated, {report.seeds} seeds on {report.patients} patients; target: {report.target}")
    for name, one in report.strategies.items():
        ratio = one.labels_ratio
        console.print(
            f"  {name:12} {one.labels_needed:7.1f} labels, {ratio.value:.2f} of random "
            f"({ratio.low:.2f} to {ratio.high:.2f}), {one.censored} runs never arrived"
        )
