"""The commands of curation, as functions that the composition root mounts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from data_curation.cohort import Cohort, read_cohort
from data_curation.curation import Origin
from data_curation.curation import curate as run_curation
from data_curation.identity import read_or_make_key
from data_curation.importers import coco, labelimg, labelme, yolo
from data_curation.importers.pictures import DEFAULT_PATTERN, ImportedStudy, Picture, studies_of
from data_curation.importers.table import Table
from data_curation.importing import import_studies
from data_curation.phantom.generation import make_phantoms
from data_curation.policy import POLICY
from data_curation.summary import in_words
from domain.errors import DiscLoopError

errors = Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only on standard output.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes.")]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a wrong input into its one line and exit code 2."""
    try:
        yield
    except DiscLoopError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        # Its file name may be a source's: only what happened is told.
        typer.echo(f"stopped: {error.strerror or type(error).__name__}; run it again to go on", err=True)
        raise typer.Exit(1) from error


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, told how many are done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda done: progress.update(task, completed=done)


def show(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result: JSON alone, or words."""
    typer.echo(json.dumps(result, ensure_ascii=False) if as_json else text)


def phantom(
    out: Annotated[Path, typer.Argument(help="Folder to make; must be absent or empty.")],
    studies: Annotated[int, typer.Option(help="How many studies.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed makes the same studies.")] = 1,
    mix: Annotated[str | None, typer.Option(help="Shares of Pfirrmann grades 1 to 5, as 1,2,3,2,1.")] = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Make synthetic lumbar MR studies as DICOM, with their truth in truth.json."""
    with one_line_errors(), bar("phantoms", studies) as progress:
        truth = make_phantoms(
            out, studies=studies, seed=seed, mix=_mix(mix), workers=workers, progress=progress
        )
    grades = [d.pfirrmann for s in truth.studies for d in s.units[0].discs]
    counts = {str(g): grades.count(g) for g in range(1, 6)}
    result = {"out": str(out), "studies": len(truth.studies), "seed": seed, "grades": counts}
    show(result, as_json, f"{len(truth.studies)} studies in {out}, discs by grade {counts}")


def _mix(text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise DiscLoopError(f"--mix: expected five numbers with commas, got {text}") from error


def curate(
    dicom: Annotated[Path, typer.Argument(help="Folder of DICOM, in any layout; zip archives are opened.")],
    store: Annotated[Path, typer.Argument(help="Folder for slices and manifest.jsonl.")],
    key: Annotated[
        Path | None,
        typer.Option(help="Pseudonym key; made where absent. Default: curation.key beside the store."),
    ] = None,
    site: Annotated[str, typer.Option(help="Short code of where the studies come from.")] = "site",
    external: Annotated[
        bool, typer.Option(help="The site's patients are for external testing only.")
    ] = False,
    cohort: Annotated[
        Path | None,
        typer.Option(help="CSV patient_id,exclude,enrich: who is left out, who was added to train."),
    ] = None,
    workers: Workers = 2,
    as_json: AsJson = False,
) -> None:
    """De-identify a folder of DICOM, choose series, write slices and manifest.jsonl. Safe to run again."""
    with one_line_errors(), _stages() as progress:
        if not dicom.is_dir():
            raise DiscLoopError(f"{dicom}: expected a folder of DICOM files")
        check_site(site)
        path = key or store.parent / "curation.key"
        secret, made = read_or_make_key(path)
        if made:
            errors.print(f"made the pseudonym key {path}: keep it, and keep it secret", soft_wrap=True)
        summary = run_curation(
            dicom,
            store,
            key=secret,
            policy=POLICY,
            origin=Origin(site, external, read_cohort(cohort, secret) if cohort else Cohort()),
            workers=workers,
            progress=progress,
            skipped_list=path.parent / f"{store.name}.skipped.jsonl",
        )
    show(summary.model_dump(mode="json"), as_json, in_words(summary))


def check_site(site: str) -> None:
    """Refuse a site's code that would not fit a manifest."""
    if re.fullmatch(r"[A-Za-z0-9-]{4,40}", site) is None:
        raise DiscLoopError(f"--site: expected 4 to 40 letters, digits or hyphens, got {site}")


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total or None)
            progress.update(tasks[stage], completed=done, total=total or None)

        yield tell


import_app = typer.Typer(no_args_is_help=True, help="Public data sets and earlier label files into a store.")
Source = Annotated[Path, typer.Argument(help="Folder (or COCO file) to read.")]
StoreFolder = Annotated[Path, typer.Argument(help="The store: slices, manifest.jsonl, labels.jsonl.")]
Key = Annotated[Path | None, typer.Option(help="Pseudonym key. Default: curation.key beside the store.")]
Site = Annotated[str, typer.Option(help="Short code of where the studies come from.")]
External = Annotated[bool, typer.Option(help="The site's patients are for external testing only.")]
TableFile = Annotated[Path | None, typer.Option(help="JSON of label names and codes, beside the usual ones.")]
Pattern = Annotated[str, typer.Option(help="Regular expression on file names, with (?P<patient>...).")]


def _import(
    name: str, source: Path, studies: Iterable[ImportedStudy], store: Path, key: Path | None, site: str,
    external: bool, as_json: bool,
) -> None:  # fmt: skip
    if not source.exists():
        raise DiscLoopError(f"{source}: expected a folder or file to import")
    check_site(site)
    secret, _ = read_or_make_key(key or store.parent / "curation.key")
    with _stages() as progress:
        summary = import_studies(
            name,
            studies,
            store,
            key=secret,
            policy=POLICY,
            site=site,
            external=external,
            progress=lambda done: progress("importing", done, 0),
        )
    words = (
        f"{summary.imported} studies, {summary.boxes} boxes, {summary.graded} graded discs; {summary.splits}"
    )
    show(summary.model_dump(mode="json"), as_json, words)


@import_app.command("spider")
def import_spider(
    source: Source, store: StoreFolder, key: Key = None, site: Site = "spider", external: External = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """SPIDER as published (.mha, masks, gradings), or as PNG slices with its CSV files."""
    # SimpleITK takes long to load, and every command of discloop would wait for it.
    from data_curation.importers import spider

    with one_line_errors():
        _import("spider", source, spider.read(source, Table()), store, key, site, external, as_json)


def _add_picture_format(name: str, read: Callable[[Path, Table], Iterable[Picture]], words: str) -> None:
    @import_app.command(name, help=words)
    def command(
        source: Source,
        store: StoreFolder,
        key: Key = None,
        site: Site = "imported",
        external: External = False,
        table: TableFile = None,
        pattern: Pattern = DEFAULT_PATTERN,
        as_json: AsJson = False,
    ) -> None:
        with one_line_errors():
            studies = studies_of(read(source, Table.read(table)), pattern)
            _import(name, source, studies, store, key, site, external, as_json)


_add_picture_format("labelme", labelme.read, "Labelme JSON files beside their pictures.")
_add_picture_format("labelimg", labelimg.read, "LabelImg (Pascal VOC) XML files beside their pictures.")
_add_picture_format("coco", coco.read, "COCO detection JSON and its pictures.")
_add_picture_format("yolo", yolo.read, "A YOLO data set: data.yaml, images/, labels/.")


import_ = typer.Typer()
"""Holds `import` as one command with its formats below it: what the composition root mounts."""
import_.add_typer(import_app, name="import")
