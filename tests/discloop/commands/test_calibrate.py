"""A key from a spreadsheet: complaints name file, row and column, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.calibrations.schemas import Key
from discloop import cli
from discloop.agreement.table import parse
from discloop.commands.calibrate import discs_of

LEVELS = ("L5/S1", "L4/5", "L3/4", "L2/3", "L1/2")
HEADER = "study;level;pfirrmann;explanation"


def lines() -> list[str]:
    return [
        f"study-{n};{level};{1 + (n + m) % 5};{'grey, border lost' if m == 0 else ''}"
        for n in range(4)
        for m, level in enumerate(LEVELS)
    ]


def test_a_key_from_a_spreadsheet_is_one() -> None:
    key = Key.model_validate({"discs": discs_of(parse("\n".join([HEADER, *lines()]), "key.csv"))})
    assert len(key.discs) == 20
    assert key.discs[0].explanation == "grey, border lost"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n".join(["study;level;pfirrmann", "s;L4/5;3"]), "explanation is missing"),
        ("\n".join([HEADER, "s;L4/L5/S1;3;why"]), "row 2, level"),
        ("\n".join([HEADER, "s;L4/5;3;why", "s;L5/S1;6;why"]), "row 3, pfirrmann"),
        ("", "empty file"),
    ],
)
def test_a_wrong_file_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    file = tmp_path / "key.csv"
    file.write_text(text)
    assert cli.run(["calibrate", "set", str(file), "--home", str(tmp_path / "none")]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "key.csv" in said.err
    assert reason in said.err
