"""Wrong tables by the thousand: a valid one, damaged in a random way. Never a traceback.

`python -m tests.discloop.agreement.fuzz 5000` is the soak's run.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from discloop.agreement.table import read_table
from domain.agreement import report
from domain.agreement.page import page
from domain.errors import DiscLoopError

HEADER = ["patient", "study", "level", "reader", "pfirrmann", "herniation", "hiz"]
LEVELS = ["L1/2", "L3/4", "L4-5", "L5/S1", "l2/3"]
ODD = [
    "",
    "6",
    "0",
    "-1",
    "3.5",
    "III",
    "NaN",
    "inf",
    "1e9",
    "\x00",
    '"',
    "'",
    "=1+1",
    "９",
    "é",
    "椎间盘",
    "null",
    "x" * 400,
]
ODD += [
    "2\n3",
    ",",
    ";",
    "1,5",
    "L9/10",
    "not gradable",
    "\ufeff",
    "\u202e",
    "999999999999999999999",
    "1_0",
    "٣",
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "latin-1", "cp1252"]


def valid(rng: random.Random) -> list[list[str]]:
    """A header and readings of a few patients."""
    header = list(HEADER)
    extra = {
        "index": "2",
        "arm": "unaided",
        "occasion": "1",
        "revision": "1",
        "month": "2026-01",
        "minutes": "2,5",
    }
    more = [name for name in extra if rng.random() < 0.3]
    rows = [header + more]
    for p in range(rng.randint(1, 5)):
        for level in rng.sample(LEVELS, rng.randint(1, 5)):
            for reader in "ABC"[: rng.randint(1, 3)]:
                cells = [str(rng.randint(1, 5)), rng.choice(["0", "1", ""]), rng.choice(["0", "1"])]
                place = {"index": str(1 + LEVELS.index(level))}
                rows.append([f"p{p}", f"s{p}", level, reader, *cells, *({**extra, **place}[m] for m in more)])
    return rows


def _cell(rng: random.Random, rows: list[list[str]]) -> None:
    row = rng.choice(rows)
    if row:
        row[rng.randrange(len(row))] = rng.choice(ODD)


def _drop_cell(rng: random.Random, rows: list[list[str]]) -> None:
    row = rng.choice(rows)
    if row:
        row.pop(rng.randrange(len(row)))


def _add_cell(rng: random.Random, rows: list[list[str]]) -> None:
    rng.choice(rows).append(rng.choice(ODD))


def _repeat_row(rng: random.Random, rows: list[list[str]]) -> None:
    rows.append(list(rng.choice(rows)))


def _drop_row(rng: random.Random, rows: list[list[str]]) -> None:
    if len(rows) > 1:
        rows.pop(rng.randrange(len(rows)))


def _drop_column(rng: random.Random, rows: list[list[str]]) -> None:
    place = rng.randrange(max(len(rows[0]), 1))
    for row in rows:
        del row[place : place + 1]


def _rename_column(rng: random.Random, rows: list[list[str]]) -> None:
    if rows[0]:
        new = rng.choice(
            [*HEADER, *ODD, "pfirrmann_A", "Patient ID", "HIZ", "role", "gradable", "random_share"]
        )
        rows[0][rng.randrange(len(rows[0]))] = new


def _shuffle(rng: random.Random, rows: list[list[str]]) -> None:
    rng.shuffle(rows)


DAMAGE: tuple[Callable[[random.Random, list[list[str]]], None], ...] = (
    _cell, _cell, _cell, _drop_cell, _add_cell, _repeat_row, _drop_row, _drop_column, _rename_column,
    _shuffle,
)  # fmt: skip


def encoded(rng: random.Random, rows: list[list[str]]) -> bytes:
    """The rows as bytes: sometimes quoted, cut or with stray bytes."""
    delimiter = rng.choice([",", ",", ";", "\t", "|"])
    quote = rng.random() < 0.3

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if quote else value

    text = rng.choice(["\n", "\r\n", "\r"]).join(delimiter.join(map(cell, row)) for row in rows)
    raw = text.encode(rng.choice(ENCODINGS), errors="replace")
    if rng.random() < 0.1:
        raw = raw[: rng.randrange(len(raw) + 1)]
    if rng.random() < 0.1 and raw:
        place = rng.randrange(len(raw))
        raw = raw[:place] + bytes(rng.randrange(256) for _ in range(rng.randint(1, 4))) + raw[place:]
    return raw


def files(number: int, seed: int) -> Iterator[bytes]:
    """Damaged files; the same seed gives the same."""
    rng = random.Random(seed)
    for _ in range(number):
        rows = valid(rng)
        for _ in range(rng.choice([0, 1, 1, 1, 2, 4])):
            rng.choice(DAMAGE)(rng, rows)
        yield encoded(rng, rows)


def outcome(file: Path) -> str:
    """`report` or the one line of the complaint; any other exception is the failure looked for."""
    try:
        done = report(read_table(file).readings, resamples=20, arm="all")
    except DiscLoopError as error:
        return str(error)
    done.model_dump_json()
    page(done, title=file.name)
    return "report"


def main() -> int:
    """Run as many as the first argument says."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    reports = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fuzzed.csv"
        for raw in files(number, seed=1):
            file.write_bytes(raw)
            reports += outcome(file) == "report"
    sys.stdout.write(f"{number} files, {reports} reports, {number - reports} complaints, no traceback\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
