"""The table that the adjudicator sees beside the images: what each reader says, differences marked."""

from __future__ import annotations

from collections.abc import Iterable

from domain.disagreements import Comparison, Disagreement, LesionPair, Subject
from domain.findings import Disc, Findings
from domain.taxonomy import DisagreementKind
from labeling_configs.table import Row, readings_table

LESION_WORDS = {Subject.HERNIATION: "herniation", Subject.HIZ: "HIZ"}
DETAILED = (DisagreementKind.EXTENT, DisagreementKind.LOCATION)
KIND_WORDS = {DisagreementKind.LEVEL_SHIFT: "level shift"}


def table(reader_1: Findings, reader_2: Findings, comparison: Comparison, *, swapped: bool) -> str:
    """The table as HTML: what differs, then the rest, each with discs from the top of the image down.

    Args:
        reader_1: What the adjudicator knows as Reader 1.
        reader_2: The other.
        comparison: Of the two, in its own order.
        swapped: Whether Reader 1 is the comparison's second.
    """
    rows = _unit_rows(comparison, swapped) + _disc_rows(reader_1, reader_2, comparison, swapped)
    return readings_table(sorted(rows, key=lambda row: not row.differs))


def _unit_rows(comparison: Comparison, swapped: bool) -> list[Row]:
    found = [d for d in comparison.disagreements if d.subject in (Subject.UNIT, Subject.COLUMN)]
    about = {Subject.UNIT: "the unit", Subject.COLUMN: "the column"}
    return [Row(_named(about[d.subject], [d.kind]), *_said(d, swapped), differs=True) for d in found]


def _disc_rows(reader_1: Findings, reader_2: Findings, comparison: Comparison, swapped: bool) -> list[Row]:
    rows: list[Row] = []
    for pair in reversed(comparison.discs):
        places = (pair.second, pair.first) if swapped else (pair.first, pair.second)
        discs = [
            f.discs[i] if i is not None else None for f, i in zip((reader_1, reader_2), places, strict=True)
        ]
        kinds = comparison.kinds(pair.position)
        levels = {disc.level for disc in discs if disc is not None}
        agreed = levels.pop() if len(levels) == 1 else None
        place = agreed or f"disc {pair.position} from below"
        first, second = (_disc_words(disc, named=agreed is not None) for disc in discs)
        rows.append(Row(_named(place, kinds), first, second, differs=bool(kinds)))
        rows += _lesion_rows(comparison, pair.position, f" at {place}", swapped)
    return rows + _lesion_rows(comparison, None, "", swapped)


def _named(about: str, kinds: Iterable[DisagreementKind]) -> str:
    """What a row is about, and in what it differs."""
    words = ", ".join(sorted(KIND_WORDS.get(kind, kind.value) for kind in kinds))
    return f"{about}: {words}" if words else about


def _disc_words(disc: Disc | None, *, named: bool) -> str:
    """What a reader says of a disc; its level only where the row does not name it."""
    if disc is None:
        return "not boxed"
    said = [] if named else [disc.level or "no level"]
    if disc.pfirrmann is not None:
        said.append(f"grade {disc.pfirrmann}")
    if disc.not_gradable is not None:
        said.append(f"not gradable: {disc.not_gradable}")
    return ", ".join(said) or "boxed"


def _lesion_rows(comparison: Comparison, position: int | None, place: str, swapped: bool) -> list[Row]:
    rows: list[Row] = []
    for subject, word in LESION_WORDS.items():
        pairs = [p for p in comparison.lesions if p.subject is subject and p.position == position]
        if not pairs:
            continue
        kinds = comparison.kinds(position, subject)
        words = (_count(pairs, second=False), _count(pairs, second=True))
        for one in comparison.disagreements:
            if one.subject is subject and one.position == position and one.kind in DETAILED:
                words = (f"{words[0]} ({one.first})", f"{words[1]} ({one.second})")
        first, second = (words[1], words[0]) if swapped else words
        rows.append(Row(_named(f"{word}{place}", kinds), first, second, differs=bool(kinds)))
    return rows


def _count(pairs: list[LesionPair], *, second: bool) -> str:
    marked = sum(bool(p.second if second else p.first) for p in pairs)
    return "none" if marked == 0 else "marked" if marked == 1 else f"{marked} marked"


def _said(one: Disagreement, swapped: bool) -> tuple[str, str]:
    return (one.second, one.first) if swapped else (one.first, one.second)
