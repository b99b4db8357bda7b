"""Training a round from a snapshot: refusals, determinism, kill and resume, the files at the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.errors import DiscLoopError
from domain.evaluation import Evaluation
from domain.taxonomy import Split
from ml_backend.cli import app
from ml_backend.evaluate import evaluate_snapshot
from ml_backend.progress import INTERRUPTED
from ml_backend.snapshot import herniated_discs, labelled_slices, read_snapshot
from ml_backend.train import train_snapshot
from ml_backend.weights import read_weights
from tests.ml_backend.spines import DISCS, draw_spine

Change = Callable[[list[dict[str, Any]]], None]


def item(patient: str, split: str, **changes: Any) -> dict[str, Any]:
    _, boxes = draw_spine(seed=0)
    discs: list[dict[str, Any]] = [
        {"index": i + 1, "level": None, "slice": 0, "box": [float(e) for e in box], "pfirrmann": i % 5 + 1}
        | {"soft": None, "weight": 1.0, "not_gradable": None}
        for i, box in enumerate(boxes)
    ]
    _, y1, x2, y2 = (float(edge) for edge in boxes[0])
    herniation = {"slice": 0, "box": [x2 - 5, y1, x2 + 8, y2], "level": "L5/S1"}
    return {
        "study": f"study-{patient}",
        "patient": patient,
        "split": split,
        "plane": "sagittal",
        "slices": [f"studies/s1/sagittal/{n:03d}.png" for n in range(3)],
        "spacing": 0.6,
        "discs": discs,
        "herniations": [herniation],
        "hiz": [],
        "arm": "unaided",
        "provenance": "agreed",
    } | changes


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write(
        tmp_path / "snapshot", [item("pat-1", "train"), item("pat-2", "train"), item("pat-3", "test")]
    )


def write(folder: Path, items: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    body = {"schema": 1, "sha256": "a" * 64, "seed": 1, "items": items}
    (folder / "snapshot.json").write_text(json.dumps(body))
    return folder


def test_a_snapshot_whose_splits_share_a_patient_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "s", [item("pat-1", "train"), item("pat-1", "test", study="other")])
    with pytest.raises(DiscLoopError, match="pat-1 is in the splits test and train"):
        read_snapshot(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [("split", "all"), ("slices", []), ("slices", ["../x.png"]), ("discs", [{"index": 0}])],
)
def test_a_wrong_field_is_named(tmp_path: Path, field: str, value: Any) -> None:
    folder = write(tmp_path / "s", [item("pat-1", "train") | {field: value}])
    with pytest.raises(DiscLoopError, match=rf"snapshot\.json, items\.0\.{field}"):
        read_snapshot(folder)


def test_discs_are_ordered_from_below_and_soft_grades_win(snapshot: Path, store: Path) -> None:
    raw = item("pat-1", "train")
    raw["discs"] = raw["discs"][::-1]
    raw["discs"][0] |= {"soft": [0, 0.5, 0.5, 0, 0]}
    raw["discs"][1] |= {"not_gradable": "artefact", "pfirrmann": None}
    raw["discs"][2] |= {"slice": 2}
    first, second = labelled_slices(read_snapshot(write(snapshot, [raw])).items, store)
    assert first.boxes is not None
    assert (first.boxes[:-1, 1] > first.boxes[1:, 1]).all()
    assert first.grades[-1].tolist() == [0, 0.5, 0.5, 0, 0]
    assert (first.grades[-2] != first.grades[-2]).all()
    assert (first.grades[3] != first.grades[3]).all()
    assert second.grades[3].argmax() == 3
    assert first.herniated.tolist()[:2] == [1, 0]


@pytest.mark.parametrize("split", ["val", "test", "external"])
def test_what_models_are_judged_by_is_the_decided_grade_never_the_soft_one(
    snapshot: Path, store: Path, split: str
) -> None:
    raw = item("pat-1", split)
    raw["discs"][0] |= {"soft": [0, 0.5, 0.5, 0, 0]}
    (judged,) = labelled_slices(read_snapshot(write(snapshot, [raw])).items, store)
    assert judged.grades[0].tolist() == [1, 0, 0, 0, 0]


def test_a_herniation_belongs_to_the_disc_it_touches() -> None:
    _, boxes = draw_spine()
    _, y1, x2, y2 = (float(edge) for edge in boxes[2])
    assert herniated_discs(boxes, [[x2 - 4, y1, x2 + 9, y2]]).tolist() == [0, 0, 1, 0, 0, 0]
    assert herniated_discs(boxes, [[0, y1, 20, y2]]).sum() == 0


def test_a_round_is_deterministic_and_leaves_progress_and_weights(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    read = read_snapshot(snapshot)
    made = [
        train_snapshot(read, store, tmp_path / name, start=tiny_weights, epochs=1, seed=3)
        for name in ("a", "b")
    ]
    assert made[0].sha256 == made[1].sha256
    assert made[0].sha256 != read_weights(tiny_weights)[0].sha256
    description, tensors = read_weights(tmp_path / "a" / "weights")
    assert description.version == f"round-3-{description.sha256[:8]}"
    assert set(tensors) == {"detector", "graders", "plausibility"}
    lines = [json.loads(line) for line in (tmp_path / "a/progress.jsonl").read_text().splitlines()]
    assert [(line["epoch"], line["epochs"]) for line in lines] == [(1, 2), (2, 2)]
    assert set(lines[0]) >= {"at", "epoch", "epochs", "loss", "left_s"}


def test_a_folder_with_another_run_is_not_touched(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    read, out = read_snapshot(snapshot), tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text(json.dumps({"snapshot": "other", "from": "x", "epochs": 1, "seed": 3}))
    with pytest.raises(DiscLoopError, match="--resume"):
        train_snapshot(read, store, out, start=tiny_weights, epochs=1, seed=3)
    with pytest.raises(DiscLoopError, match="another snapshot, from"):
        train_snapshot(read, store, out, start=tiny_weights, epochs=1, seed=3, resume=True)


def command(snapshot: Path, store: Path, weights: Path, out: Path, *more: str) -> list[str]:
    options = ["--store", str(store), "--out", str(out), "--from", str(weights), "--epochs", "2"]
    return [sys.executable, "-m", "ml_backend.train", str(snapshot), *options, "--threads", "1", *more]


def stop(arguments: list[str], out: Path, ask: signal.Signals) -> int:
    """Start a run, stop it after its first epoch, and give its exit code."""
    running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not (out / "progress.jsonl").exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(ask)
    return running.wait(timeout=90)


def test_a_run_that_is_asked_to_stop_exits_75(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert stop(command(snapshot, store, tiny_weights, out), out, signal.SIGTERM) == INTERRUPTED
    assert (out / "detector.pt").exists()
    assert not (out / "weights/model.json").exists()


def test_a_killed_run_goes_on_to_the_same_weights(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert stop(command(snapshot, store, tiny_weights, out), out, signal.SIGKILL) == -signal.SIGKILL
    read = read_snapshot(snapshot)
    resumed = train_snapshot(read, store, out, start=tiny_weights, epochs=2, seed=1, resume=True)
    whole = train_snapshot(read, store, tmp_path / "whole", start=tiny_weights, epochs=2, seed=1)
    assert resumed.sha256 == whole.sha256


def test_evaluate_writes_what_the_gate_reads(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report.json"
    options = ["--snapshot", str(snapshot), "--store", str(store), "--weights", str(tiny_weights)]
    done = CliRunner().invoke(app, ["evaluate", *options, "--split", "test", "--out", str(out)])
    assert done.exit_code == 0, done.output
    report = json.loads(out.read_text())
    assert report["split"] == "test"
    (entry,) = report["items"]
    assert entry["patient"] == "pat-3"
    assert len(entry["discs"]) == DISCS
    assert entry["missed"] + sum(disc["matched"] for disc in entry["discs"]) == DISCS
    assert report["summary"]["hiz"].startswith("not evaluable")
    assert report["tables"]["hiz"] == "not evaluable"
    assert report["tables"]["per_disc"]["discs"] == DISCS
    serving = Evaluation.read(out.read_text(), name=out.name).serving
    assert serving is not None
    assert (serving.runtime, serving.slices) == ("openvino", 1)
    missing = CliRunner().invoke(app, ["evaluate", *options, "--split", "val", "--out", str(out)])
    assert missing.exit_code == 2


def test_a_study_decided_on_two_slices_is_one_item(snapshot: Path, store: Path, tiny_weights: Path) -> None:
    raw = item("pat-3", "test")
    raw["discs"][2]["slice"] = 1
    report = evaluate_snapshot(tiny_weights, write(snapshot, [raw]), store, split=Split.TEST)
    (entry,) = report["items"]
    assert (entry["study"], [disc["index"] for disc in entry["discs"]]) == ("study-pat-3", [1, 2, 3, 4, 5, 6])
    assert report["summary"]["patients"] == 1
    assert report["tables"]["per_slice"]["discs"] == 2 * DISCS


def test_the_report_is_one_file_that_escapes_what_it_shows(
    snapshot: Path, store: Path, tiny_weights: Path, tmp_path: Path
) -> None:
    raw = item("<b>pat", "test", study="<script>x</script>")
    options = ["--snapshot", str(write(snapshot, [raw])), "--store", str(store)]
    page = tmp_path / "new" / "report.html"
    more = ["--weights", str(tiny_weights), "--html", str(page), "--out", str(tmp_path / "report.json")]
    done = CliRunner().invoke(app, ["evaluate", *options, *more])
    assert done.exit_code == 0, done.output
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert 'src="data:image/png;base64,' in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "not evaluable" in text
