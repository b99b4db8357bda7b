"""Charts as SVG text: pure functions of what the report holds, for the pages and the report file alike.

They take their colours from the surrounding text (`currentColor`), so they follow a light or dark page and
lose nothing in greyscale: magnitude is lightness, meaning is shape. Every chart has a title and a description
for those who do not see it. The host page needs no style of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor

from domain.agreement.estimates import Statistic
from domain.agreement.schema import Drift, DriftPoint, Table

FONT = 'font-family="system-ui, sans-serif" font-size="14"'
DARKEST = 0.38
"""Opacity of the fullest cell: its number stays readable on it, on light and dark pages."""

Link = Callable[[int, int], str | None]


def _svg(name: str, width: float, height: float, title: str, description: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" '
        f'style="max-width:100%;min-width:{min(width, 356):g}px;height:auto" {FONT} '
        f'fill="currentColor" '
        f'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>{"".join(body)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str = "start", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, width: float = 1, extra: str = "") -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" '
        f'stroke-width="{width:g}" {extra}/>'
    )


def heat_map(
    table: Table, *, name: str = "table", title: str = "Grades of the two readers", link: Link | None = None
) -> str:
    """A cross-table, darker where more discs are; agreement stands in outlined cells on the diagonal.

    Args:
        table: Counts; rows are the first reader.
        name: Unique on the page, an HTML id.
        title: Title.
        link: The address behind a cell (row, column), or None.
    """
    cell, left, top = 54.0, 96.0, 62.0
    size = len(table.categories)
    fullest = max((v for row in table.counts for v in row), default=0) or 1
    across, down = left + size * cell / 2, top + size * cell / 2
    turned = f'font-weight="600" transform="rotate(-90 14 {down:.1f})"'
    body = [
        _text(across, 18, _shortened(table.second), "middle", 'font-weight="600"'),
        _text(14, down, _shortened(table.first), "middle", turned),
    ]
    for i, label in enumerate(table.categories):
        short = label if len(label) < 9 else label.replace("not gradable", "not gr.")
        body.append(_text(left + (i + 0.5) * cell, top - 10, short, "middle"))
        body.append(_text(left - 8, top + (i + 0.5) * cell + 5, short, "end"))
    for i, row in enumerate(table.counts):
        for j, value in enumerate(row):
            body.append(
                _heat_cell(left + j * cell, top + i * cell, cell, value, fullest, i == j, link and link(i, j))
            )
    return _svg(name, left + size * cell + 4, top + size * cell + 4, title, _table_words(table), body)


def _heat_cell(
    x: float, y: float, cell: float, value: float, fullest: float, same: bool, href: str | None
) -> str:
    shade = DARKEST * (value / fullest) ** 0.5
    outline = (
        'stroke="currentColor" stroke-width="2"' if same else 'stroke="currentColor" stroke-opacity="0.25"'
    )
    inset = 1.5 if same else 0.5
    out = (
        f'<rect x="{x + inset:.1f}" y="{y + inset:.1f}" width="{cell - 2 * inset:.1f}" '
        f'height="{cell - 2 * inset:.1f}" fill-opacity="{shade:.3f}" {outline}/>'
        + _text(x + cell / 2, y + cell / 2 + 5, f"{value:.0f}" if value else "·", "middle")
    )
    return f'<a href="{escape(href)}">{out}</a>' if href else out


def _table_words(table: Table) -> str:
    rows = "; ".join(
        f"{table.first} {name}: " + ", ".join(f"{v:.0f}" for v in row)
        for name, row in zip(table.categories, table.counts, strict=True)
    )
    return f"Counts by row, columns are {table.second} {', '.join(table.categories)}. {rows}."


def words(statistic: Statistic, digits: int = 2) -> str:
    """`0.71 (0.65 to 0.77)`, or a dash."""
    if statistic.value is None:
        return "–"
    value = _rounded(statistic.value, digits)
    if statistic.low is None or statistic.high is None:
        return value
    return f"{value} ({_rounded(statistic.low, digits)} to {_rounded(statistic.high, digits)})"


def _rounded(value: float, digits: int) -> str:
    """With a minus sign, but no minus zero."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def forest(
    rows: Sequence[tuple[str, Statistic]],
    *,
    name: str = "forest",
    title: str = "Agreement with 95% intervals",
) -> str:
    """One line a statistic: its numbers, and the value as a square on the interval's bar.

    The numbers come first, so that a narrow screen which scrolls the chart shows them.
    """
    plot, step, top = 180.0, 26.0, 10.0
    names = [_shortened(words_) for words_, _ in rows]
    label = max(168.0, 16 + 7.8 * max(map(len, names), default=0))
    left = label + 18 + max((_width(words(s)) for _, s in rows), default=0)
    low, high = _extent([s for _, s in rows])

    def at(value: float) -> float:
        return left + plot * (min(max(value, low), high) - low) / (high - low)

    bottom = top + step * len(rows)
    body = []
    for tick in _ticks(low, high):
        body.append(
            _line(at(tick), top, at(tick), bottom, 1, f'stroke-opacity="{0.6 if tick == 0 else 0.18}"')
        )
        body.append(_text(at(tick), bottom + 18, f"{tick:g}".replace("-", "−"), "middle"))
    for i, (_, statistic) in enumerate(rows):
        y = top + step * (i + 0.5)
        body.append(_text(label - 12, y + 5, names[i], "end"))
        body.append(_text(label, y + 5, words(statistic)))
        if statistic.low is not None and statistic.high is not None:
            body.append(_line(at(statistic.low), y, at(statistic.high), y, 2))
            body += [_line(at(v), y - 5, at(v), y + 5, 2) for v in (statistic.low, statistic.high)]
        if statistic.value is not None:
            body.append(f'<rect x="{at(statistic.value) - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9"/>')
    description = "; ".join(f"{w} {words(s)}" for w, s in rows)
    return _svg(name, left + plot + 16, bottom + 26, title, description, body)


def _width(numbers: str) -> float:
    """Of digits and signs, in the widest of the usual fonts."""
    return 6.9 * len(numbers) + 4 * numbers.count("−")


def _shortened(label: str, start: int = 17, end: int = 13) -> str:
    """Without its middle where it is long: the end tells one pair from another, and holds the count."""
    return label if len(label) <= start + 1 + end else f"{label[:start]}…{label[-end:]}"


def _extent(statistics: Sequence[Statistic]) -> tuple[float, float]:
    """Axis from 0 to 1, widened in steps of 0.2 where values or limits lie beyond."""
    values = [v for s in statistics for v in (s.value, s.low, s.high) if v is not None]
    low, high = min([0.0, *values]), max([1.0, *values])
    return floor(round(low * 5, 6)) / 5, ceil(round(high * 5, 6)) / 5


def _ticks(low: float, high: float) -> list[float]:
    first, last = round(low * 5), round(high * 5)
    every = ceil((last - first) / 6)
    return [i / 5 for i in range(first, last + 1) if i % every == 0]


def trend(drift: Drift, *, name: str = "trend", title: str = "Linear kappa by month") -> str:
    """Control chart: months with intervals, the centre, and the limits; a flagged month is a diamond."""
    if not drift.points or drift.centre is None:
        return ""
    left, top, height, step = 46.0, 14.0, 200.0, max(26.0, min(60.0, 560.0 / len(drift.points)))
    low, high = _extent([p.kappa_linear for p in drift.points])

    def at(value: float) -> float:
        return top + height * (high - min(max(value, low), high)) / (high - low)

    right = left + step * len(drift.points)
    body = []
    for tick in _ticks(low, high):
        body.append(_line(left, at(tick), right, at(tick), 1, 'stroke-opacity="0.18"'))
        body.append(_text(left - 8, at(tick) + 4, f"{tick:g}".replace("-", "−"), "end"))
    body.append(_line(left, at(drift.centre), right, at(drift.centre), 1.5))
    places = [left + step * (i + 0.5) for i in range(len(drift.points))]
    for x, point in zip(places, drift.points, strict=True):
        body += _month(x, step, point, at, top + height + 16)
    for (x, a), (z, b) in pairwise(zip(places, drift.points, strict=True)):
        first, second = a.kappa_linear.value, b.kappa_linear.value
        if first is not None and second is not None:
            body.append(_line(x, at(first), z, at(second), 1, 'stroke-opacity="0.5"'))
    description = f"Centre {drift.centre:.2f}. " + "; ".join(
        f"{p.month} {words(p.kappa_linear)}{', ' + p.flag if p.flag else ''}" for p in drift.points
    )
    return _svg(name, right + 10, top + height + 66, title, description, body)


def _month(x: float, step: float, point: DriftPoint, at: Callable[[float], float], foot: float) -> list[str]:
    statistic = point.kappa_linear
    out = [
        _line(x - step / 2, at(limit), x + step / 2, at(limit), 1.2, 'stroke-dasharray="4 3"')
        for limit in (point.lower_limit, point.upper_limit)
        if limit is not None
    ]
    if statistic.low is not None and statistic.high is not None:
        out.append(_line(x, at(statistic.low), x, at(statistic.high), 1.5, 'stroke-opacity="0.6"'))
    if statistic.value is not None:
        out.append(_mark(x, at(statistic.value), point.flag is not None))
    out.append(_text(x, foot, point.month, "end", f'transform="rotate(-45 {x:.1f} {foot:.1f})"'))
    return out


def _mark(x: float, y: float, flagged: bool) -> str:
    if flagged:
        return f'<path d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
