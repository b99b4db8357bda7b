"""What the pages draw: the report's charts, and discs on their slices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup, escape

from backend.agreement.discs import ANSWERS, ReadDisc
from domain.agreement import AgreementReport, Statistic
from domain.agreement.charts import forest, heat_map, trend
from domain.agreement.page_parts import LABELS, PRESENCE
from domain.agreement.schema import PresenceAgreement, Table
from domain.boxes import Box

SHOWN_PRESENCE = ("percent_agreement", "kappa", "ac1", "positive_agreement", "negative_agreement")
WIDE = 420
"""Pixels; a wider chart scrolls on a narrow screen before its words become too small to read."""
AROUND = 0.35
"""Of the shown square's side, left around the boxes on each side."""
SMALLEST = 48.0
"""Side of the smallest square shown, in pixels of the slice."""


@dataclass(frozen=True)
class Chart:
    """A chart under its heading."""

    title: str
    svg: Markup
    note: str = ""


def _drawn(svg: str) -> Markup:
    """The pages' policy allows no style attribute; `agreement.css` says the same by class."""
    found = re.search(r' width="(\d+)', svg)
    name = "chart wide" if found and int(found[1]) > WIDE else "chart"
    return Markup(re.sub(r' style="[^"]*"', f' class="{name}"', svg, count=1))


def overview(report: AgreementReport) -> Chart:
    """Every coefficient on the grade."""
    rows = [(label, getattr(report, name)) for name, label in LABELS.items()]
    return Chart("Pfirrmann grade", _drawn(forest(rows, name="overview", title="Agreement on the grade")))


def grade_chart(report: AgreementReport) -> Chart:
    """Specific agreement, grade by grade."""
    rows = [(f"Grade {g.category} (n {g.readings})", g.specific_agreement) for g in report.by_grade]
    svg = forest(rows, name="by-grade", title="Specific agreement by grade")
    return Chart("By grade", _drawn(svg), "specific agreement; n counts gradings")


def breakdown_charts(report: AgreementReport) -> list[Chart]:
    """Linear kappa by level, position, site, scanner and arm, where there is more than one."""
    charts = []
    for breakdown in report.breakdowns:
        if breakdown.by == "month" or (len(breakdown.strata) < 2 and breakdown.by != "level"):
            continue
        rows = [(f"{s.name} (n {s.n.paired})", s.kappa_linear) for s in breakdown.strata]
        by = "position (1 the lowest)" if breakdown.by == "index" else breakdown.by
        if rows:
            svg = forest(rows, name=f"by-{breakdown.by}", title=f"Linear kappa by {by}")
            charts.append(Chart(f"By {by}", _drawn(svg), "linear kappa; n counts discs"))
    return charts


def presence_charts(report: AgreementReport) -> list[Chart]:
    """Herniation, high-intensity zone, gradability: yes or no per disc."""
    asked: Sequence[tuple[str, str, PresenceAgreement]] = (
        ("Herniation", "herniation", report.herniation),
        ("High-intensity zone", "hiz", report.hiz),
        ("Gradable", "gradability", report.gradability),
    )
    charts = []
    for title, name, finding in asked:
        rows = [(PRESENCE[field], getattr(finding, field)) for field in SHOWN_PRESENCE]
        reasons = dict.fromkeys(s.reason for _, s in rows if s.value is None and s.reason)
        note = f"{finding.n.paired} discs assessed by both of {finding.n.union}"
        note += f"; {'; '.join(reasons)}" if reasons else ""
        charts.append(Chart(title, _drawn(forest(rows, name=name, title=f"{title} per disc")), note))
    return charts


def reader_charts(report: AgreementReport) -> list[Chart]:
    """Each reader against the others, and with themselves."""
    profiles: list[tuple[str, str, list[tuple[str, Statistic]]]] = [
        (
            "Against the others",
            "leave-one-out",
            [(r.reader, r.leave_one_out) for r in report.readers if r.leave_one_out.value is not None],
        ),
        (
            "With themselves",
            "within-reader",
            [
                (f"{r.reader} (n {r.agreement.n.paired})", r.agreement.kappa_linear)
                for r in report.within_reader.readers
            ],
        ),
    ]
    if len(report.pairs) > 1:
        pairs = [
            (", ".join(reader.removeprefix("p-") for reader in p.readers), p.kappa_linear)
            for p in report.pairs
        ]
        profiles.append(("Pairs", "pairs", pairs))
    return [
        Chart(title, _drawn(forest(rows, name=name, title=f"{title}: linear kappa")), "linear kappa")
        for title, name, rows in profiles
        if rows
    ]


def ceiling_charts(report: AgreementReport) -> list[Chart]:
    """Each model with the readers, beside the readers with each other."""
    return [
        Chart(
            f"{one.model} and the readers",
            _drawn(
                forest(
                    [
                        ("Model with readers", one.model_reader),
                        ("Readers, each other", one.reader_reader),
                        ("Difference", one.difference),
                    ],
                    name=f"ceiling-{number}",
                    title=f"{one.model} and the readers: linear kappa",
                )
            ),
            f"linear kappa, the same {one.discs} discs",
        )
        for number, one in enumerate(report.ceilings)
    ]


def trend_chart(report: AgreementReport) -> Markup:
    """The control chart, empty where there are not two months."""
    return _drawn(trend(report.drift, title="Linear kappa by month of the second signature"))


def tables(report: AgreementReport, arm: str) -> list[Chart]:
    """The 5 x 5 table, the same with what was not graded, and each pair's where there are several."""
    every = _linked(arm, None)
    charts = [
        Chart("Grade against grade", _heat(report.table, "grades", every)),
        Chart("With not gradable and missing", _heat(report.table_with_missing, "extended", every)),
    ]
    if len(report.pairs) > 1:
        charts += [
            Chart(" and ".join(p.readers), _heat(p.table, f"pair-{n}", _linked(arm, p.readers)))
            for n, p in enumerate(report.pairs)
        ]
    return charts


def _heat(table: Table, name: str, link: Callable[[int, int], str]) -> Markup:
    """A heat map whose cells are links, with words for those who do not see where a number stands."""
    cells = {
        (row, column): link(row, column)
        for row, counts in enumerate(table.counts)
        for column, count in enumerate(counts)
        if count
    }
    drawn = str(_drawn(heat_map(table, name=name, link=lambda row, column: cells.get((row, column)))))
    for (row, column), address in cells.items():
        count = table.counts[row][column]
        said = f"{table.categories[row]} against {table.categories[column]}: {count:.0f} discs"
        here = f'href="{escape(address)}"'
        drawn = drawn.replace(here, f'{here} aria-label="{said}"', 1)
    # Whoever hears the page would find no link inside of an image.
    return Markup(drawn.replace('role="img"', 'role="group"', 1))


def _linked(arm: str, readers: tuple[str, str] | None) -> Callable[[int, int], str]:
    pair = {"one": readers[0], "other": readers[1]} if readers else {}

    def address(row: int, column: int) -> str:
        return "/agreement/discs?" + urlencode(
            {"arm": arm, "row": ANSWERS[row], "column": ANSWERS[column]} | pair
        )

    return address


@dataclass(frozen=True)
class Thumbnail:
    """A disc on its slice: which part of which slice, and the readers' boxes on it."""

    address: str
    slice: int
    view: str
    width: int
    height: int
    boxes: tuple[tuple[str, Box], ...]
    """With the class that tells the readers apart."""


def thumbnail(disc: ReadDisc) -> Thumbnail:
    """The slice that the first reader decided on (the second, where the first did not box it)."""
    held = [(name, s.box) for name, s in zip(("one", "other"), disc.sides, strict=True) if s.box is not None]
    number = held[0][1].slice
    boxes = tuple((name, one.box) for name, one in held if one.slice == number)
    return Thumbnail(
        address=f"/agreement/slices/{disc.revision}/{number}",
        slice=number + 1,
        view=_view([box for _, box in boxes]),
        width=disc.width,
        height=disc.height,
        boxes=boxes,
    )


def _view(boxes: Sequence[Box]) -> str:
    """A square around the boxes, as an SVG's `viewBox`."""
    left, top = min(b.x1 for b in boxes), min(b.y1 for b in boxes)
    right, bottom = max(b.x2 for b in boxes), max(b.y2 for b in boxes)
    side = max(right - left, bottom - top, SMALLEST) * (1 + 2 * AROUND)
    return f"{(left + right - side) / 2:.1f} {(top + bottom - side) / 2:.1f} {side:.1f} {side:.1f}"
