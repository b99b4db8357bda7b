"""Reading tables: layouts, encodings, and one line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from discloop.agreement.table import Table, read_table
from domain.errors import DiscLoopError

HEADER = "patient,study,level,reader,pfirrmann,herniation,hiz"
GOOD = f"{HEADER}\np1,s1,L4/5,A,3,1,0\np1,s1,L4/5,B,4,0,\n"


def read(tmp_path: Path, content: str | bytes, **options: tuple[str, ...]) -> Table:
    file = tmp_path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(file, **options)


def test_long(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)
    assert table.layout == "long"
    assert table.readings.grade.tolist() == [3, 4]
    assert table.readings.herniation.tolist() == [1, 0]
    assert table.readings.hiz.tolist() == [0, -1]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "gb18030"]
)
def test_delimiters_and_encodings(tmp_path: Path, delimiter: str, encoding: str) -> None:
    name = {"gb18030": "张医生", "latin-1": "Müller"}.get(encoding, "Müller 张")
    text = GOOD.replace(",A,", f",{name},").replace(",", delimiter)
    table = read(tmp_path, text.encode(encoding))
    assert table.readings.reader.labels[1] == name


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("pfirrmann_A,pfirrmann_B,herniation_A,herniation_B", "3,4,1,0"),
        ("A,B", "3,IV"),
        ("Pfirrmann A,Pfirrmann B", "3.0,4"),
        ("Pfirrmann Grade A,pfirrmann_grade_B", "3,4"),
    ],
)
def test_wide(tmp_path: Path, header: str, cells: str) -> None:
    table = read(tmp_path, f"patient,study,level,{header}\np1,s1,L4-5,{cells}\n")
    assert table.layout == "wide"
    assert table.readings.reader.labels == ("A", "B")
    assert sorted(table.readings.grade.tolist()) == [3, 4]
    assert table.readings.level.labels == ("L4/5",)


@pytest.mark.parametrize(
    "header",
    [
        "Patient ID,Study,Disc Level,Reader Name,Pfirrmann Grade,Herniation,HIZ",
        "PATIENT_ID,study-id,spinal level,Rater,PfirrmannGrade,Disc Herniation,High-Intensity Zone",
        "Subject,StudyNo,Level,observer_id,pfirrmann score,herniation,hiz",
    ],
)
def test_headings_as_others_write_them(tmp_path: Path, header: str) -> None:
    table = read(tmp_path, GOOD.replace(HEADER, header))
    assert table.readings.grade.tolist() == [3, 4]
    assert table.readings.hiz.tolist() == [0, -1]
    assert dict(table.taken)[header.split(",")[0]] == "patient"
    with pytest.raises(DiscLoopError, match=f"column '{header.split(',')[4]}': expected a Pfirrmann grade"):
        read(tmp_path, GOOD.replace(HEADER, header).replace("B,4", "B,9"))


def test_a_columns_own_name_goes_before_others(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD.replace(",hiz", ",Subject"))
    assert table.readings.patient.labels == ("p1",)
    assert table.ignored == ("Subject",)
    with pytest.raises(DiscLoopError, match=r"appears twice \(as 'Patient ID' and 'Subject'\)"):
        read(tmp_path, GOOD.replace("patient,", "Patient ID,").replace(",hiz", ",Subject"))


def test_not_gradable_and_spellings(tmp_path: Path) -> None:
    table = read(tmp_path, f"{HEADER}\np1,s1,l5-s1,A,not gradable,,\np1,s1,L5/S1,B,II,yes,no\n")
    assert table.readings.gradable.tolist() == [0, 1]
    assert table.readings.level.labels == ("L5/S1",)


def test_roles_by_name(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD, models=("B",)).readings.role.labels == ("model",)
    with pytest.raises(DiscLoopError, match="no reader 'X'"):
        read(tmp_path, GOOD, models=("X",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "t.csv: expected a table"),
        (HEADER, "t.csv, row 2: expected readings"),
        (GOOD.replace("pfirrmann", "grade"), "t.csv, row 1, column 'pfirrmann': missing"),
        (GOOD.replace("level,", "lvl,"), "t.csv, row 1, column 'level': missing"),
        (GOOD.replace("study,", "x,"), "t.csv, row 1, column 'study': missing"),
        (GOOD.replace("hiz", "reader"), "t.csv, row 1, column 'reader': appears twice"),
        (GOOD.replace("B,4", "B,6"), "t.csv, row 3, column 'pfirrmann': expected a Pfirrmann grade 1 to 5"),
        (
            GOOD.replace("B,4,0", "B,4,2"),
            "t.csv, row 3, column 'herniation': expected 0 or 1, or blank, got '2'",
        ),
        (GOOD.replace("L4/5,B", "C4/5,B"), "t.csv, row 3, column 'level': expected one of T11/12"),
        (GOOD.replace("p1,s1,L4/5,B", ",s1,L4/5,B"), "t.csv, row 3, column 'patient': expected a patient"),
        (GOOD.replace("L4/5,B", ",B"), "t.csv, row 3, column 'level': expected the disc's level"),
        (
            GOOD.replace("B,4", "A,4"),
            "t.csv, row 3, column 'reader': 'A' already read L4/5 of this study in row 2",
        ),
        (GOOD + "p2,s2,L4/5\n", "t.csv, row 4, column 'reader': the row has 3 of 7 fields"),
        (GOOD + "p2,s2,L4/5,A,1,0,0,9\n", "t.csv, row 4, column 8: the row has 8 fields"),
        (GOOD.replace(",0,\n", ',0,"a\nb"\n'), "t.csv, row 3, column 'hiz'"),
        (
            "patient,study,level,A,B\np,s,L4/5,1,blue\n",
            "t.csv, row 2, column 'B': taken for a reader's grades",
        ),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DiscLoopError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_rows_are_counted_over_blank_and_broken_lines(tmp_path: Path) -> None:
    text = GOOD.replace("p1,s1,L4/5,A", '\np1,"s\n1",L4/5,A').replace("B,4", "B,9")
    with pytest.raises(DiscLoopError, match="row 3, column 'study': expected text without line breaks"):
        read(tmp_path, text.replace("B,9", "B,4"))
    with pytest.raises(DiscLoopError, match="row 4, column 'pfirrmann'"):
        read(tmp_path, GOOD.replace("p1,s1,L4/5,A", "\np1,s1,L4/5,A").replace("B,4", "B,9"))


def test_binary_and_absent_files(tmp_path: Path) -> None:
    with pytest.raises(DiscLoopError, match="binary data"):
        read(tmp_path, b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
    with pytest.raises(DiscLoopError, match="cannot be read"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DiscLoopError, match="cannot be read"):
        read_table(tmp_path)
