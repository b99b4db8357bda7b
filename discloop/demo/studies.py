"""The demo's studies: phantoms, or a folder of the user's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from discloop.atomic import write_text
from discloop.home import Home
from discloop.progress import Report, Steps
from domain.errors import DiscLoopError

WORKERS = max(1, min(4, os.cpu_count() or 1))


class Source(BaseModel):
    """`demo.json`: where the studies of this home come from."""

    model_config = ConfigDict(extra="forbid")

    dicom: str | None = None
    phantoms: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    dicom: Path | None
    phantoms: int
    seed: int

    def source(self) -> Source:
        if self.dicom is not None:
            return Source(dicom=str(self.dicom.resolve()))
        return Source(phantoms=self.phantoms, seed=self.seed)


def fill_store(home: Home, wanted: Wanted, steps: Steps) -> None:
    """Bring the studies into the home's store; a second call does what is missing.

    Raises:
        DiscLoopError: If the home holds studies of another source.
    """
    source, file = wanted.source(), home.root / "demo.json"
    held = _read(file)
    if held is not None and held != source:
        raise DiscLoopError(
            f"--home {home.root}: it holds studies of another source ({_named(held)}); choose another home"
        )
    if held is not None and wanted.dicom is None:
        return
    if wanted.dicom is None:
        folder = home.root / "phantoms"
        with steps.step(f"Make {wanted.phantoms} phantom studies") as report:
            _make_phantoms(folder, wanted, report)
    else:
        folder = wanted.dicom
    with steps.step("Curate: de-identify, select, check, write slices") as report:
        _curate(folder, home, report)
    write_text(file, source.model_dump_json() + "\n")


def _read(file: Path) -> Source | None:
    try:
        return Source.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise DiscLoopError(
            f"{file}: expected what discloop demo wrote: {error.errors()[0]['msg']}"
        ) from error


def _named(source: Source) -> str:
    return source.dicom or f"{source.phantoms} phantoms of seed {source.seed}"


def _make_phantoms(folder: Path, wanted: Wanted, report: Report) -> None:
    from data_curation.phantom.generation import make_phantoms

    if (folder / "truth.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)  # a start that was interrupted
    make_phantoms(
        folder,
        studies=wanted.phantoms,
        seed=wanted.seed,
        workers=WORKERS,
        progress=lambda done: report(done, wanted.phantoms, f"{done} of {wanted.phantoms}"),
    )


def _curate(dicom: Path, home: Home, report: Report) -> None:
    from data_curation.curation import curate
    from data_curation.identity import read_or_make_key
    from data_curation.policy import POLICY

    key, _made = read_or_make_key(home.root / "curation.key")
    summary = curate(dicom, home.store, key=key, policy=POLICY, workers=WORKERS, progress=_stages(report))
    if not summary.curated:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in summary.studies_rejected.items())
        raise DiscLoopError(f"{dicom}: no study could be used: {reasons or 'no DICOM file was found'}")
    report(1, 1, f"{summary.curated} studies, {summary.slices} slices, {len(summary.rejected)} left out")


def _stages(report: Report) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: report(done, total or None, f"{stage} {done}")
