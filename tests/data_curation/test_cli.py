"""The commands: JSON alone on standard output, one line and exit code 2 for a wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from data_curation.cli import curate, import_app, phantom
from tests.data_curation.conftest import MakeStudy

app = typer.Typer()
app.command()(curate)
app.command()(phantom)
app.add_typer(import_app, name="import")


def _run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


def test_curate_prints_json_alone(make_study: MakeStudy, tmp_path: Path) -> None:
    make_study()
    (tmp_path / "dicom" / "Doe-Jane.txt").write_text("not an image")
    code, out, err = _run("curate", tmp_path / "dicom", tmp_path / "store", "--json", "--workers", 1)
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["curated"], summary["files_skipped"]) == (1, {"not DICOM": 1})
    assert "made the pseudonym key" in err
    assert "Doe" not in out + err
    assert (tmp_path / "curation.key").stat().st_mode & 0o777 == 0o600
    listed = [json.loads(line) for line in (tmp_path / "store.skipped.jsonl").read_text().splitlines()]
    assert [(i["file"], i["reason"]) for i in listed] == [(summary["skipped"][0]["file"], "not DICOM")]
    assert listed[0]["path"].endswith("Doe-Jane.txt")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["curate", "{}/absent", "{}/store"], "absent: expected a folder of DICOM files"),
        (["curate", "{}/dicom", "{}/store", "--site", "a b"], "--site: expected 4 to 40 letters"),
        (["curate", "{}/dicom", "{}/dicom/inside"], "must lie apart"),
        (["phantom", "{}/out", "--studies", "0"], "--studies: expected 1 or more, got 0"),
        (["phantom", "{}/dicom"], "expected an empty or absent folder"),
        (["phantom", "{}/out", "--mix", "1,2"], "--mix: expected five shares"),
        (["phantom", "{}/out", "--mix", "a"], "--mix: expected five numbers"),
        (["import", "spider", "{}/dicom", "{}/store"], "expected gradings.csv or radiological_gradings.csv"),
        (["import", "yolo", "{}/dicom", "{}/store"], "data.yaml: expected `names`"),
        (["import", "coco", "{}/dicom", "{}/store"], "expected a COCO JSON file"),
        (["import", "labelme", "{}/absent", "{}/store"], "absent"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(
    make_study: MakeStudy, tmp_path: Path, words: list[str], message: str
) -> None:
    make_study()
    code, out, err = _run(*(word.format(tmp_path) for word in words))
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line.strip() and "made the pseudonym key" not in line]
    assert len(lines) == 1
    assert message in lines[0]
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "store" / "manifest.jsonl").exists()


def test_phantom_and_grade_mix(tmp_path: Path) -> None:
    code, out, _ = _run(
        "phantom", tmp_path / "out", "--studies", 1, "--seed", 4, "--mix", "0,0,0,1,0", "--json"
    )
    assert code == 0
    assert json.loads(out)["grades"] == {"1": 0, "2": 0, "3": 0, "4": 7, "5": 0}
    assert (tmp_path / "out" / "truth.json").exists()
