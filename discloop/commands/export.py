"""`discloop export`: the consensus labels of a running stack, or a store's labels file, as a data set."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from data_curation.exporting import EXPORTERS, export_labels
from data_curation.labels import LabelledStudy, LabelledUnit, Provenance, write_labels
from discloop.backend_client import BackendClient, client_of
from discloop.console import Json, print_json, result
from discloop.home import DEFAULT_HOME, Home, HomeOption
from domain.consensus import Consensus
from domain.errors import DiscLoopError
from domain.findings import Disc, Findings, Herniation, Hiz

PAGE = 500
EVERYTHING = "everything"
STATISTICS = ("percent_agreement", "within_one", "kappa_linear", "kappa_quadratic", "ac1", "alpha_ordinal")
"""Of the agreement report, for a data set's card."""

app = typer.Typer()


@app.command()
def export(
    name: Annotated[
        str, typer.Argument(metavar="FORMAT", help=f"One of {', '.join(EXPORTERS)}, everything.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder to make; must be absent or empty.")],
    store: Annotated[
        Path | None, typer.Option(help="A store with labels, in place of the running stack's consensus.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Labels as JSON lines. Default: labels.jsonl of the store.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Named in the data set's card.")] = "not stated",
    person: Annotated[
        str | None, typer.Option(help="With everything: only what names this person's id.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: Json = False,
) -> None:
    """Write consensus labels with their provenance and their slices as a data set, with a card.

    `everything` writes all labels, revisions, audit and provenance of the home as JSON Lines instead.
    """
    if person is not None and name != EVERYTHING:
        raise DiscLoopError("--person: only with everything")
    if name == EVERYTHING:
        written = _export_everything(out, Home.at(home), person)
    elif store is not None:
        written = export_labels(
            name, out, store=store, labels=labels or store / "labels.jsonl", licence=licence
        )
    elif labels is not None:
        raise DiscLoopError("--labels: name the --store that they belong to")
    else:
        written = _export_consensus(name, out, Home.at(home), licence)
    if as_json:
        print_json(written)
    else:
        result().print(f"{written['written']} written to {out}")


def _export_everything(out: Path, home: Home, person: str | None) -> dict[str, Any]:
    # It needs the backend's packages; the data sets do not.
    from discloop.everything import export_everything

    counts = export_everything(home, out.expanduser().absolute(), person)
    return {"format": EVERYTHING, "out": str(out), "written": sum(counts.values()), "lines": counts}


def _export_consensus(name: str, out: Path, home: Home, licence: str) -> dict[str, Any]:
    with closing(client_of(home)) as client:
        studies = list(labelled_studies(_all_consensus(client)))
        agreement = _agreement(client)
    if not studies:
        raise DiscLoopError("nothing to export yet: no unit has a consensus; see discloop status")
    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.jsonl"
        write_labels(labels, studies)
        return export_labels(name, out, store=home.store, labels=labels, licence=licence, agreement=agreement)


def _agreement(client: BackendClient) -> dict[str, dict[str, float | None]] | None:
    """The headline's statistics, or None where nothing was read twice unaided or results are not frozen."""
    try:
        report = client.get("/api/agreement", arm="unaided")
    except DiscLoopError:
        return None
    return {name: {part: report[name][part] for part in ("value", "low", "high")} for name in STATISTICS}


def _all_consensus(client: BackendClient) -> Iterator[dict[str, Any]]:
    after = ""
    while page := client.get("/api/consensus", after=after, limit=PAGE):
        yield from page
        after = page[-1]["unit"]


def labelled_studies(records: Iterable[dict[str, Any]]) -> Iterator[LabelledStudy]:
    """Gather the backend's consensus, one record a unit, to labels, one a study.

    Args:
        records: Answers of `GET /api/consensus`.
    """
    by_study = sorted(records, key=lambda record: (record["study"], record["unit"]))
    for study, units in groupby(by_study, key=lambda record: str(record["study"])):
        of_study = list(units)
        yield LabelledStudy(
            patient=of_study[0]["patient"],
            study=study,
            units=tuple(_labelled_unit(unit) for unit in of_study),
        )


def _labelled_unit(record: dict[str, Any]) -> LabelledUnit:
    consensus = Consensus.model_validate(record["consensus"])
    return LabelledUnit(
        findings=_findings(consensus),
        provenance=Provenance(
            source=consensus.provenance.value,
            arm=record["arm"],
            soft={disc.index: disc.soft for disc in consensus.discs if disc.soft is not None},
        ),
    )


def _findings(consensus: Consensus) -> Findings:
    return Findings(
        plane=consensus.plane,
        discs=tuple(
            Disc(boxes=d.boxes, level=d.level, pfirrmann=d.pfirrmann, not_gradable=d.not_gradable)
            for d in consensus.discs
        ),
        herniations=tuple(
            Herniation(boxes=h.boxes, level=h.level, type=h.type) for h in consensus.herniations
        ),
        hiz=tuple(Hiz(boxes=h.boxes, level=h.level, side=h.side) for h in consensus.hiz),
        quality=consensus.quality,
        transitional=consensus.transitional,
        numbering=consensus.numbering,
    )
