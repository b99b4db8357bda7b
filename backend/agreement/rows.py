"""The table of readings that `discloop agreement` reads as well."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from backend.agreement.discs import is_marked, place, sagittal
from backend.agreement.repository import Compared, Signed
from backend.worklists.tables import Selection
from domain.disagreements import Subject
from domain.findings import Disc, Herniation, Hiz, ProposedDisc, SliceBox
from domain.matching import Lesion, lesion_disc
from domain.spreadsheet import plain_cell
from domain.taxonomy import Split

COLUMNS = (
    "patient",
    "study",
    "index",
    "level",
    "reader",
    "arm",
    "occasion",
    "pfirrmann",
    "gradable",
    "herniation",
    "hiz",
    "random_share",
    "arm_drawn",
    "inclusion_probability",
    "site",
    "scanner",
    "month",
    "proposal",
    "minutes",
    "role",
)

Row = dict[str, Any]
DRAWN = (Split.TRAIN, Split.VAL)
Cells = tuple[Any, ...]
"""A row in the order of `COLUMNS`."""


def rows_of(unit: Compared) -> Iterator[Row]:
    """One row a disc of a reading; discs are numbered over both readings.

    The month is that of the second signature: a study's own month is shifted by the patient's offset.
    """
    scanner = str(sagittal(unit).scanner.get("manufacturer") or "")
    about = {
        "patient": unit.study.patient,
        "study": unit.study.study,
        "site": unit.study.site,
        # Test and external patients are unaided without a draw.
        "arm_drawn": int(unit.study.split in DRAWN),
        "scanner": _plain(scanner) or None,
        "month": f"{max(unit.first.at, unit.second.at):%Y-%m}",
    }
    proposed = place([_disc(d) for d in unit.proposal.discs], unit) if unit.proposal else {}
    grades = {position: disc.pfirrmann for position, disc in proposed.items()}
    for said, second in ((unit.first, False), (unit.second, True)):
        yield from _reading(unit, said, second, about | _about(said), grades)
    for said in unit.repeats:
        marked = _marked(said.findings.herniations, said.findings.hiz, said.findings.discs)
        for position, disc in place(said.findings.discs, unit).items():
            row = about | _about(said) | _assessed(disc, position) | marked(disc)
            yield row | {"proposal": grades.get(position)}
    yield from _references(unit, proposed, about | _about(unit.first) | {"minutes": None})


def _about(said: Signed) -> Row:
    asked = said.assignment
    return {
        "reader": asked.reader,
        "role": "reader",
        "arm": asked.arm.value,
        "occasion": asked.occasion,
        "random_share": int(asked.selection is Selection.RANDOM),
        "inclusion_probability": asked.inclusion,
        "minutes": None if said.minutes is None else round(said.minutes, 2),
    }


def _assessed(disc: Disc, position: int) -> Row:
    return {
        "index": position,
        "level": disc.level,
        "pfirrmann": disc.pfirrmann,
        "gradable": int(disc.not_gradable is None),
        "herniation": None,
        "hiz": None,
    }


def _reading(
    unit: Compared, said: Signed, second: bool, about: Row, proposed: Mapping[int, int | None]
) -> Iterator[Row]:
    for pair in unit.comparison.discs:
        at = pair.second if second else pair.first
        if at is not None:
            lesions = {
                subject.value: int(is_marked(unit.comparison, pair.position, subject, second=second))
                for subject in (Subject.HERNIATION, Subject.HIZ)
            }
            row = about | _assessed(said.findings.discs[at], pair.position) | lesions
            yield row | {"proposal": proposed.get(pair.position)}


def _references(unit: Compared, proposed: Mapping[int, Disc], about: Row) -> Iterator[Row]:
    """The model's and the consensus' grades of the same discs."""
    if unit.proposal is not None:
        own = {"reader": f"model {_plain(unit.proposal.model)}", "role": "model", "proposal": None}
        for position, disc in proposed.items():
            yield about | _assessed(disc, position) | own
    if unit.consensus is not None:
        agreed = [
            Disc(boxes=d.boxes, level=d.level, pfirrmann=d.pfirrmann, not_gradable=d.not_gradable)
            for d in unit.consensus.discs
        ]
        herniations = [Herniation(boxes=h.boxes, level=h.level) for h in unit.consensus.herniations]
        zones = [Hiz(boxes=h.boxes, level=h.level) for h in unit.consensus.hiz]
        marked = _marked(herniations, zones, agreed)
        own = {"reader": "consensus", "role": "consensus", "proposal": None}
        for position, disc in place(agreed, unit).items():
            yield about | _assessed(disc, position) | marked(disc) | own


def _marked(
    herniations: Sequence[Lesion], zones: Sequence[Lesion], discs: Sequence[Disc]
) -> Callable[[Disc], Row]:
    """Which discs have a lesion, as cells of a disc's row."""
    at = {
        name: [discs[n] for n in (lesion_disc(lesion, discs) for lesion in lesions) if n is not None]
        for name, lesions in (("herniation", herniations), ("hiz", zones))
    }
    return lambda disc: {name: int(disc in found) for name, found in at.items()}


def _disc(proposed: ProposedDisc) -> Disc:
    box = SliceBox(slice=proposed.slice, box=proposed.box)
    return Disc(boxes=(box,), level=proposed.level, pfirrmann=proposed.pfirrmann)


def _plain(words: str) -> str:
    """Text of one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def cells(row: Row) -> Cells:
    """The row in the order of the columns."""
    return tuple(row[name] for name in COLUMNS)


def named(row: Cells) -> Row:
    """The cells by column."""
    return dict(zip(COLUMNS, row, strict=True))


def as_columns(rows: Iterable[Cells]) -> dict[str, Sequence[Any]]:
    """As `Readings.from_columns` takes it."""
    return dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))


def as_csv(rows: Iterable[Cells]) -> str:
    """The table as text; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([plain_cell(cell) for cell in row] for row in rows)
    return out.getvalue()
