"""500 damaged tables: a report, or one line that names the file."""

from pathlib import Path

from tests.discloop.agreement.fuzz import files, outcome


def test_500_damaged_tables(tmp_path: Path) -> None:
    file = tmp_path / "fuzzed.csv"
    said = []
    for raw in files(500, seed=20261121):
        file.write_bytes(raw)
        said.append(outcome(file))
    complaints = [line for line in said if line != "report"]
    assert len(complaints) > 100
    assert said.count("report") > 100
    assert all(line.startswith("fuzzed.csv") and "\n" not in line for line in complaints)
