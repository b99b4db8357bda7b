"""The command, through the table of commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from discloop.cli import run
from tests.domain.agreement.tables import columns

NAMES: tuple[str, ...] = (
    "percent_agreement",
    "within_one",
    "kappa",
    "kappa_linear",
    "kappa_quadratic",
    "ac1",
    "ac2_linear",
)
NAMES += ("ac2_quadratic", "alpha_nominal", "alpha_ordinal", "alpha_interval")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    table = columns(12)
    lines = [",".join(table)] + [",".join(map(str, row)) for row in zip(*table.values(), strict=True)]
    file = tmp_path / "readings.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_json_alone_on_standard_output(
    file: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["agreement", str(file), *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    for name in NAMES:
        assert {"value", "low", "high", "se"} <= set(report[name])
        assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]
    assert report["n"]["paired"] == report["n"]["union"] == 60
    assert report["herniation"]["kappa"]["value"] is not None
    assert "2000 bootstrap resamples" in report["methods"]


def test_what_columns_were_taken_for_is_said(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace("patient", "Patient ID", 1), encoding="utf-8")
    assert run(["agreement", str(file), "--resamples", "100"]) == 0
    assert "columns taken: 'Patient ID' as patient\n" in capsys.readouterr().err


def test_html_is_one_self_contained_file(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "report.html"
    assert run(["agreement", str(file), "--html", str(out), "--resamples", "200"]) == 0
    assert capsys.readouterr().out == ""
    html = out.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert "src=" not in html
    assert "<link" not in html
    assert sorted(p.name for p in tmp_path.iterdir()) == ["readings.csv", "report.html"]


def test_readers_are_resampled_on_request(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["agreement", str(file), "--resample-readers", "--resamples", "100"]) == 0
    assert "readers were not resampled" in capsys.readouterr().out  # two readers only


def test_wrong_input_exits_2_with_one_line_and_writes_nothing(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(",A,", ",A,9", 1), encoding="utf-8")
    out = tmp_path / "report.html"
    assert run(["agreement", str(file), "--html", str(out), "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "readings.csv, row 2, column 'pfirrmann'" in said.err
    assert not out.exists()


@pytest.mark.parametrize(
    "arguments", [["--arm", "bxes"], ["--html", "absent/report.html"], ["--model", "nobody"]]
)
def test_wrong_options(file: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if arguments[0] == "--arm":
        text = file.read_text(encoding="utf-8").splitlines()
        file.write_text("\n".join([text[0] + ",arm", *(t + ",full" for t in text[1:])]), encoding="utf-8")
    assert run(["agreement", str(file), *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
