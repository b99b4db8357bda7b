"""What two readings say alike, as one reading, and what of it a third reader has to decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from domain.boxes import Box
from domain.disagreements import Comparison, LesionPair, Subject
from domain.findings import Disc, Findings, Herniation, Hiz, SliceBox
from domain.taxonomy import DisagreementKind, HerniationType, NumberingBasis, Quality


def agreed_findings(first: Findings, second: Findings, comparison: Comparison) -> Findings:
    """What both readings say alike.

    A disc whose grade or gradability differs keeps its box and level without a grade; one whose level
    differs, or whose column is shifted, keeps its grade without a level. What only one reader marked is
    absent, and of what they drew apart the average stays.
    """
    shifted = any(d.kind is DisagreementKind.LEVEL_SHIFT for d in comparison.disagreements)
    discs = [
        _disc(first.discs[p.first], second.discs[p.second], comparison.kinds(p.position), shifted)
        for p in comparison.discs
        if p.first is not None and p.second is not None
    ]
    settled = [p for p in comparison.lesions if _settled(p, comparison)]
    return Findings(
        plane=first.plane,
        discs=tuple(discs),
        herniations=tuple(
            _herniation(first, second, p, shifted) for p in settled if p.subject is Subject.HERNIATION
        ),
        hiz=tuple(_hiz(first, second, p, shifted) for p in settled if p.subject is Subject.HIZ),
        quality=max(first.quality, second.quality, key=list(Quality).index),
        transitional=first.transitional and second.transitional,
        numbering=first.numbering if first.numbering is second.numbering else NumberingBasis.ASSUMED,
    )


class Prefill(NamedTuple):
    """What an adjudicator starts from."""

    findings: Findings
    asked: frozenset[tuple[Subject, int]]
    """Findings, by kind and place in their list, of which the adjudicator must say whether they are there."""


def prefill(first: Findings, second: Findings, comparison: Comparison) -> Prefill:
    """What both say alike, and after it what only one marked or both marked differently, to be decided."""
    agreed = agreed_findings(first, second, comparison)
    shifted = any(d.kind is DisagreementKind.LEVEL_SHIFT for d in comparison.disagreements)
    asked: set[tuple[Subject, int]] = set()
    discs, both = [], iter(agreed.discs)
    for place, pair in enumerate(comparison.discs):
        if pair.first is not None and pair.second is not None:
            discs.append(next(both))
            continue
        alone = first.discs[pair.first] if pair.first is not None else second.discs[pair.second or 0]
        discs.append(alone.model_copy(update={"level": None}) if shifted else alone)
        asked.add((Subject.DISC, place))
    open_pairs = [p for p in comparison.lesions if not _settled(p, comparison)]
    herniations, zones = list(agreed.herniations), list(agreed.hiz)
    for marked in open_pairs:
        if marked.subject is Subject.HERNIATION:
            asked.add((marked.subject, len(herniations)))
            herniations.append(_open_herniation(first, second, marked, shifted))
        else:
            asked.add((marked.subject, len(zones)))
            zones.append(_open_hiz(first, second, marked, shifted))
    findings = agreed.model_copy(
        update={"discs": tuple(discs), "herniations": tuple(herniations), "hiz": tuple(zones)}
    )
    return Prefill(findings, frozenset(asked))


def _open_herniation(first: Findings, second: Findings, pair: LesionPair, shifted: bool) -> Herniation:
    if pair.first and pair.second:
        return _herniation(first, second, pair, shifted).model_copy(update={"type": None})
    marks = [first.herniations[i] for i in pair.first] or [second.herniations[i] for i in pair.second]
    level = None if shifted else marks[0].level
    return Herniation(boxes=_boxes(marks), level=level, type=marks[0].type)


def _open_hiz(first: Findings, second: Findings, pair: LesionPair, shifted: bool) -> Hiz:
    if pair.first and pair.second:
        return _hiz(first, second, pair, shifted).model_copy(update={"side": None})
    marks = [first.hiz[i] for i in pair.first] or [second.hiz[i] for i in pair.second]
    return Hiz(boxes=_boxes(marks), level=None if shifted else marks[0].level, side=marks[0].side)


def _disc(ours: Disc, theirs: Disc, differing: set[DisagreementKind], shifted: bool) -> Disc:
    unnamed = shifted or DisagreementKind.LEVEL in differing
    ungraded = bool(differing & {DisagreementKind.GRADE, DisagreementKind.GRADABILITY})
    return Disc(
        boxes=average_boxes(ours.boxes, theirs.boxes),
        level=None if unnamed else ours.level,
        pfirrmann=None if ungraded else ours.pfirrmann,
        not_gradable=None if ungraded else ours.not_gradable,
    )


def _settled(pair: LesionPair, comparison: Comparison) -> bool:
    """Whether both readers marked the lesion and nothing about that disc's lesions of its kind is open."""
    return bool(pair.first and pair.second) and not comparison.kinds(pair.position, pair.subject)


def _herniation(first: Findings, second: Findings, pair: LesionPair, shifted: bool) -> Herniation:
    ours = [first.herniations[i] for i in pair.first]
    theirs = [second.herniations[i] for i in pair.second]
    types = [m.type for m in (*ours, *theirs) if m.type is not None]
    said = [t for t in types if t is not HerniationType.INDETERMINATE] or types
    return Herniation(
        boxes=average_boxes(_boxes(ours), _boxes(theirs)),
        level=None if shifted else ours[0].level,
        type=said[0] if said else None,
    )


def _hiz(first: Findings, second: Findings, pair: LesionPair, shifted: bool) -> Hiz:
    ours, theirs = [first.hiz[i] for i in pair.first], [second.hiz[i] for i in pair.second]
    return Hiz(
        boxes=average_boxes(_boxes(ours), _boxes(theirs)),
        level=None if shifted else ours[0].level,
        side=next((m.side for m in (*ours, *theirs) if m.side is not None), None),
    )


def _boxes(marks: Sequence[Herniation | Hiz]) -> tuple[SliceBox, ...]:
    return tuple(box for mark in marks for box in mark.boxes)


def average_boxes(first: Sequence[SliceBox], second: Sequence[SliceBox]) -> tuple[SliceBox, ...]:
    """One box a slice: the mean of both readers' edges on shared slices, the only one elsewhere.

    The slice that a reader decided on comes first, a shared one before others.
    """
    ours, theirs = {b.slice: b.box for b in first}, {b.slice: b.box for b in second}
    shared = ours.keys() & theirs.keys()
    decided = sorted({first[0].slice, second[0].slice}, key=lambda s: (s not in shared, s))[0]
    slices = sorted(ours.keys() | theirs.keys(), key=lambda s: (s != decided, s))
    return tuple(
        SliceBox(slice=s, box=_mean(ours[s], theirs[s]) if s in shared else ours.get(s) or theirs[s])
        for s in slices
    )


def _mean(a: Box, b: Box) -> Box:
    edges = zip(a.as_list(), b.as_list(), strict=True)
    return Box.from_list([round((x + y) / 2, 3) for x, y in edges])
