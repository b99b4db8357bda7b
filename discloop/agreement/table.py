"""From a CSV file to readings; every complaint names file, row and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discloop.agreement.decoding import read_text
from discloop.agreement.values import ALSO, BLANK, COLUMNS, PER_READER, grade
from domain.agreement import DuplicateReadingError, Readings
from domain.agreement.readings import REQUIRED
from domain.errors import DiscLoopError

DELIMITERS = ",;\t|"
_OWN = {name.replace("_", ""): name for name in COLUMNS}
_OF_A_READER = re.compile(rf"({'|'.join(PER_READER)})(?:[_:. -]+(?:grade|score))?[_:. -]+(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Sheet:
    """The cells of a file, column by column, stripped."""

    file: str
    header: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    rows: tuple[int, ...]
    """Line of the file that each row starts on; the header is row 1."""
    taken: tuple[tuple[str, str], ...] = ()
    """Headings of the file and the columns they were taken for, where they are spelled otherwise."""

    def column(self, name: str) -> tuple[str, ...]:
        """Cells of a column."""
        return self.columns[self.header.index(name)]

    def heading(self, name: str) -> str:
        """What the file calls a column."""
        return next((own for own, column in self.taken if column == name), name)


@dataclass(frozen=True)
class Table:
    """The readings of a file, and what was made of it."""

    readings: Readings
    encoding: str
    layout: str
    ignored: tuple[str, ...]
    taken: tuple[tuple[str, str], ...]
    """Headings of the file and the columns they were taken for, where they are spelled otherwise."""


def read_table(file: Path, *, models: Sequence[str] = (), consensus: Sequence[str] = ()) -> Table:
    """Read a table of readings, long or wide.

    Args:
        file: CSV with comma, semicolon, tab or bar; UTF-8, UTF-16, GB18030 or Windows Latin.
        models: Names in `reader` that are a model.
        consensus: Names in `reader` that are a consensus.

    Raises:
        DiscLoopError: For whatever is wrong with it: file, row, column, what was expected and what came.
    """
    text, encoding = read_text(file)
    sheet = parse(text, file.name)
    if "reader" in sheet.header:
        values, rows, ignored, layout = *_long(sheet), "long"
    else:
        values, rows, ignored, layout = *_wide(sheet), "wide"
    _set_roles(values, file.name, models, consensus)
    return Table(_readings(values, rows, file.name), encoding, layout, ignored, sheet.taken)


def parse(text: str, name: str) -> Sheet:
    """Split a file's text into stripped cells."""
    if not text.strip():
        raise DiscLoopError(f"{name}: expected a table with a header, got an empty file")
    first = text.lstrip("\r\n").splitlines()[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header: tuple[str, ...] = ()
    said: list[str] = []
    cells: list[list[str]] = []
    rows: list[int] = []
    start = 1
    try:
        for row in reader:
            if any(not c.isspace() for c in row if c):
                if not header:
                    said = [cell.strip() for cell in row]
                    header = _header(said, name, start)
                else:
                    cells.append(row)
                    rows.append(start)
                    if len(row) != len(header):
                        _uneven(row, header, name, start)
            start = reader.line_num + 1
    except csv.Error as error:
        raise DiscLoopError(f"{name}, row {start}: not a readable line of a table ({error})") from error
    if not cells:
        raise DiscLoopError(f"{name}, row 2: expected readings below the header, got none")
    columns = tuple(tuple(map(str.strip, column)) for column in zip(*cells, strict=True))
    taken = tuple((own, column) for own, column in zip(said, header, strict=True) if own != column)
    return Sheet(name, header, columns, tuple(rows), taken)


def _header(row: list[str], name: str, line: int) -> tuple[str, ...]:
    squeezed = ["".join(filter(str.isalnum, cell.casefold())) for cell in row]
    own = [_OWN.get(plain) for plain in squeezed]
    header = tuple(
        column or (other if (other := ALSO.get(plain)) not in own else None) or cell
        for cell, plain, column in zip(row, squeezed, own, strict=True)
    )
    for i, column in enumerate(header):
        if column and column in header[:i]:
            twin = row[header.index(column)]
            beside = "" if twin == row[i] else f" (as {twin!r} and {row[i]!r})"
            raise DiscLoopError(f"{name}, row {line}, column {column!r}: appears twice{beside}")
    return header


def _uneven(row: list[str], header: tuple[str, ...], name: str, line: int) -> None:
    if len(row) < len(header):
        raise DiscLoopError(
            f"{name}, row {line}, column {header[len(row)]!r}: the row has {len(row)} of {len(header)} fields"
        )
    if any(c.strip() for c in row[len(header) :]):
        raise DiscLoopError(
            f"{name}, row {line}, column {len(header) + 1}: "
            f"the row has {len(row)} fields, the header {len(header)}"
        )
    del row[len(header) :]


def _long(sheet: Sheet) -> tuple[dict[str, list[Any]], list[int], tuple[str, ...]]:
    _demand(sheet, (*REQUIRED, "pfirrmann"))
    values = {name: _values(sheet, name) for name in sheet.header if name in COLUMNS}
    return values, list(sheet.rows), tuple(c for c in sheet.header if c and c not in COLUMNS)


def _demand(sheet: Sheet, needed: Sequence[str]) -> None:
    absent = [name for name in needed if name not in sheet.header]
    if "level" not in sheet.header and "index" not in sheet.header:
        absent.append("level")
    if absent:
        found = ", ".join(c for c in sheet.header if c)
        raise DiscLoopError(
            f"{sheet.file}, row 1, column {absent[0]!r}: missing; "
            f"expected {', '.join(absent)}, found {found[:300]}"
        )


def _values(sheet: Sheet, name: str, column: str | None = None) -> list[Any]:
    """The parsed cells of a column; each different text is parsed once."""
    parse_cell = COLUMNS[name]
    column = column or name
    cells = sheet.column(column)
    known: dict[str, Any] = {}
    for cell in dict.fromkeys(cells):
        if cell == "" or (parse_cell.__name__ != "text" and cell.casefold() in BLANK):
            known[cell] = None
            continue
        try:
            known[cell] = parse_cell(cell)
        except ValueError as error:
            row = sheet.rows[cells.index(cell)]
            raise DiscLoopError(
                f"{sheet.file}, row {row}, column {sheet.heading(column)!r}: "
                f"expected {error}, got {cell[:60]!r}"
            ) from error
    if name in REQUIRED and None in known.values():
        row = next(r for r, c in zip(sheet.rows, cells, strict=True) if known[c] is None)
        heading = sheet.heading(column)
        raise DiscLoopError(f"{sheet.file}, row {row}, column {heading!r}: expected a {name}, got a blank")
    return [known[cell] for cell in cells]


def _wide(sheet: Sheet) -> tuple[dict[str, list[Any]], list[int], tuple[str, ...]]:
    """One block of rows a reader, from columns `pfirrmann_A` (or just `A`), `herniation_A` and so on."""
    _demand(sheet, ("patient", "study"))
    if "pfirrmann" in sheet.header:
        _demand(sheet, REQUIRED)
    places = _reader_columns(sheet)
    shared = [n for n in sheet.header if n in COLUMNS and n not in PER_READER]
    common = {name: _values(sheet, name) for name in shared}
    count = len(sheet.rows)
    values: dict[str, list[Any]] = {name: column * len(places) for name, column in common.items()}
    values["reader"] = [reader for reader in places for _ in range(count)]
    for name in PER_READER:
        if any(name in columns for columns in places.values()):
            values[name] = [
                value
                for columns in places.values()
                for value in (_values(sheet, name, columns[name]) if name in columns else [None] * count)
            ]
    used = {c for columns in places.values() for c in columns.values()} | set(shared)
    ignored = tuple(c for c in sheet.header if c and c not in used)
    return (*_without_unread(values, list(sheet.rows) * len(places)), ignored)


def _reader_columns(sheet: Sheet) -> dict[str, dict[str, str]]:
    """Reader to finding to column."""
    out: dict[str, dict[str, str]] = {}
    for column in sheet.header:
        found = _OF_A_READER.fullmatch(column)
        if found and column not in COLUMNS:
            out.setdefault(found[2].strip(), {})[found[1].casefold()] = column
    if not any("pfirrmann" in columns for columns in out.values()):
        taken = {c for columns in out.values() for c in columns.values()}
        for column in sheet.header:
            if column and column not in COLUMNS and column not in taken:
                _demand_grades(sheet, column)
                out.setdefault(column, {})["pfirrmann"] = column
    if not any("pfirrmann" in columns for columns in out.values()):
        _demand(sheet, (*REQUIRED, "pfirrmann"))
    return out


def _demand_grades(sheet: Sheet, column: str) -> None:
    for row, cell in zip(sheet.rows, sheet.column(column), strict=True):
        try:
            if cell.casefold() not in BLANK:
                grade(cell)
        except ValueError as error:
            raise DiscLoopError(
                f"{sheet.file}, row {row}, column {column!r}: taken for a reader's grades, as there is no "
                f"column 'reader'; expected {error}, got {cell[:60]!r}"
            ) from error


def _without_unread(values: dict[str, list[Any]], rows: list[int]) -> tuple[dict[str, list[Any]], list[int]]:
    """Leave out the cells of a reader who says nothing of the disc."""
    said = [n for n in PER_READER if n in values]
    keep = [i for i in range(len(rows)) if any(values[n][i] is not None for n in said)]
    return {name: [column[i] for i in keep] for name, column in values.items()}, [rows[i] for i in keep]


def _set_roles(
    values: dict[str, list[Any]], file: str, models: Sequence[str], consensus: Sequence[str]
) -> None:
    named = dict.fromkeys(models, "model") | dict.fromkeys(consensus, "consensus")
    if not named:
        return
    readers = set(values["reader"])
    for name, role in named.items():
        if name not in readers:
            raise DiscLoopError(f"{file}, column 'reader': no reader {name!r}, named as the {role}")
    given = values.get("role") or [None] * len(values["reader"])
    values["role"] = [named.get(r, own) for r, own in zip(values["reader"], given, strict=True)]


def _readings(values: dict[str, list[Any]], rows: list[int], file: str) -> Readings:
    if not rows:
        raise DiscLoopError(f"{file}: no reader assessed any disc")
    _mark_not_gradable(values, rows, file)
    if "proposal" in values:
        values["proposal"] = [v or None for v in values["proposal"]]
    _demand_place(values, rows, file)
    try:
        return Readings.from_columns(values)
    except DuplicateReadingError as error:
        first, second = (rows[i] for i in error.rows)
        i = error.rows[1]
        place = values.get("level", [None] * len(rows))[i] or values["index"][i]
        raise DiscLoopError(
            f"{file}, row {second}, column 'reader': {values['reader'][i]!r} already read {place} of this "
            f"study in row {first}; expected one row a disc, reader, arm, occasion and revision"
        ) from error


def _mark_not_gradable(values: dict[str, list[Any]], rows: list[int], file: str) -> None:
    gradable = values.get("gradable") or [None] * len(rows)
    for i, (given, stated) in enumerate(zip(values["pfirrmann"], gradable, strict=True)):
        if given == 0:
            values["pfirrmann"][i], gradable[i] = None, 0
        elif given is not None and stated == 0:
            raise DiscLoopError(
                f"{file}, row {rows[i]}, column 'gradable': "
                f"expected no grade where gradable is 0, got {given}"
            )
    values["gradable"] = gradable


def _demand_place(values: dict[str, list[Any]], rows: list[int], file: str) -> None:
    """Every row has a level, or every row has an index."""
    for name in ("index", "level"):
        if None not in values.get(name, [None]):
            return
    name = "level" if "level" in values else "index"
    row = rows[values[name].index(None)]
    raise DiscLoopError(f"{file}, row {row}, column {name!r}: expected the disc's {name}, got a blank")
