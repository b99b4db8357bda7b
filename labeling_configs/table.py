"""The table of the two readings on the adjudication page."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import NamedTuple


class Row(NamedTuple):
    """One line: what it is about, what each reader said, and whether that differs."""

    about: str
    first: str
    second: str
    differs: bool


def readings_table(rows: Iterable[Row], *, first: str = "Reader 1", second: str = "Reader 2") -> str:
    """The `table` of an adjudication task's data, as HTML with everything escaped."""
    head = f"<tr><th></th><th>{escape(first)}</th><th>{escape(second)}</th></tr>"
    return (
        f'<table class="dl-readings"><thead>{head}</thead><tbody>{"".join(map(_line, rows))}</tbody></table>'
    )


def _line(row: Row) -> str:
    mark = ' class="dl-differs"' if row.differs else ""
    about, first, second = (escape(text) for text in row[:3])
    return f"<tr{mark}><th>{about}</th><td>{first}</td><td>{second}</td></tr>"
