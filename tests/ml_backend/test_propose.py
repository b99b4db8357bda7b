"""Proposals for files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from domain.findings import Proposal
from ml_backend.cli import app
from ml_backend.column import Column
from ml_backend.detector.inference import Found
from ml_backend.lesions import herniation_box
from ml_backend.model import BATCH, Graded, LoadedModel, load_model
from ml_backend.plausibility import PictureKind
from ml_backend.proposer import CUT_BELOW, Reading, _proposal, level_of, propose_slices
from ml_backend.runtimes import RuntimeName
from tests.ml_backend.spines import draw_spine

KEYS = {"image", "model", "width", "height", "discs", "herniations", "hiz", "uncertainty", "warnings"}


@pytest.fixture(scope="module")
def model(tiny_weights: Path) -> LoadedModel:
    return load_model(tiny_weights, runtime=RuntimeName.EAGER, threads=1)


def reading(
    kinds: dict[PictureKind, float], *, herniated: float = 0.1, discs: int = 6, below: int = 20
) -> Reading:
    """What a model may say of a drawn spine, with some more pixels below it."""
    image, boxes = draw_spine(discs=discs)
    column = Column(boxes, np.full(discs, 0.8, np.float32), 0.1)
    grades = np.tile(np.array([[0.05, 0.1, 0.6, 0.2, 0.05]], np.float32), (discs, 1))
    graded = Graded(grades, np.full(discs, herniated, np.float32))
    size = (image.shape[1], image.shape[0] + below)
    return Reading(Found(column, np.zeros(128, np.float32)), graded, kinds, size, 256)


SURE = {kind: float(kind is PictureKind.SAGITTAL_T2) for kind in PictureKind}


def test_a_proposal_counts_from_below_and_names_levels(model: LoadedModel) -> None:
    proposal = _proposal(model, reading(SURE, herniated=0.995), slice_index=2)
    assert [disc.index for disc in proposal.discs] == [1, 2, 3, 4, 5, 6]
    assert proposal.discs[0].level == "L5/S1"
    assert proposal.discs[0].box.y1 > proposal.discs[1].box.y1
    assert {disc.pfirrmann for disc in proposal.discs} == {3}
    assert all(sum(disc.pfirrmann_probs or ()) == pytest.approx(1, abs=1e-3) for disc in proposal.discs)
    assert [lesion.level for lesion in proposal.herniations] == [disc.level for disc in proposal.discs]
    assert proposal.hiz == ()
    assert proposal.warnings == ()
    assert {disc.slice for disc in proposal.discs} == {2}


def test_levels_stay_unnamed_where_a_further_disc_may_follow_below(model: LoadedModel) -> None:
    proposal = _proposal(model, reading(SURE, herniated=0.995, below=0), slice_index=0)
    assert proposal.warnings == (CUT_BELOW,)
    assert [disc.index for disc in proposal.discs] == [1, 2, 3, 4, 5, 6]
    levels = [disc.level for disc in proposal.discs] + [lesion.level for lesion in proposal.herniations]
    assert set(levels) == {None}
    assert proposal.uncertainty > _proposal(model, reading(SURE), slice_index=0).uncertainty


def test_a_t1_picture_gets_boxes_a_warning_and_no_grades(model: LoadedModel) -> None:
    kinds = {kind: float(kind is PictureKind.SAGITTAL_T1) for kind in PictureKind}
    proposal = _proposal(model, reading(kinds, herniated=0.995), slice_index=0)
    assert len(proposal.discs) == 6
    assert {disc.pfirrmann for disc in proposal.discs} == {None}
    assert proposal.herniations == ()
    assert "T1" in proposal.warnings[0]
    assert proposal.uncertainty > 0.9


def test_levels_end_where_names_end() -> None:
    assert level_of(7) == "T11/12"
    assert level_of(8) is None


def test_a_herniation_box_lies_over_the_posterior_border() -> None:
    _, boxes = draw_spine()
    x1, y1, x2, y2 = herniation_box(boxes, 2)
    middle_x = (boxes[2, 0] + boxes[2, 2]) / 2
    assert middle_x < x1 < boxes[2, 2] < x2
    assert y1 < (boxes[2, 1] + boxes[2, 3]) / 2 < y2


@pytest.mark.parametrize("size", [(32, 32), (33, 900), (640, 48)])
def test_any_shape_of_noise_is_answered(model: LoadedModel, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, size).astype(np.uint8)
    for picture in (image, np.zeros(size, np.uint8), np.full(size, 255, np.uint8)):
        proposal = propose_slices(model, [picture])[0]
        assert Proposal.model_validate_json(proposal.model_dump_json()) == proposal


def test_the_command_writes_a_line_a_picture_and_draws(tiny_weights: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), draw_spine()[0])
    (tmp_path / "notes.txt").write_text("not a picture")
    options = ["--weights", str(tiny_weights), "--out", str(tmp_path / "drawn")]
    done = CliRunner().invoke(app, ["propose", str(tmp_path), *options])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["image"]).name for line in lines] == ["a.png", "b.png", "notes.txt"]
    assert set(lines[0]) == KEYS
    assert "error" in lines[2]
    assert (lines[0]["width"], lines[0]["height"]) == (240, 320)
    drawn = cv2.imread(str(tmp_path / "drawn/a.png"))
    assert drawn is not None
    assert drawn.shape == (320, 240, 3)


def test_a_named_file_that_cannot_be_read_exits_2_and_writes_nothing(
    tiny_weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("not a picture")
    for name in ("notes.txt", "gone.png"):
        options = ["--weights", str(tiny_weights), "--out", str(tmp_path / "drawn")]
        done = CliRunner().invoke(app, ["propose", str(tmp_path / name), *options])
        assert done.exit_code == 2
        assert name in done.stderr
        assert done.stdout == ""
    assert not (tmp_path / "drawn").exists()


def test_drawings_of_the_same_name_are_kept_apart_and_replace_no_picture(
    tiny_weights: Path, tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "s.png"), draw_spine()[0])
    before = (tmp_path / "a/s.png").read_bytes()
    options = ["propose", str(tmp_path / "a"), str(tmp_path / "b"), "--weights", str(tiny_weights), "--out"]
    done = CliRunner().invoke(app, [*options, str(tmp_path / "drawn")])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["s-2.png", "s.png"]
    refused = CliRunner().invoke(app, [*options, str(tmp_path / "a")])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "s.png would be replaced" in refused.stderr
    assert (tmp_path / "a/s.png").read_bytes() == before


def test_an_empty_folder_is_refused(tiny_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.png").mkdir()
    done = CliRunner().invoke(app, ["propose", str(tmp_path / "empty.png"), "--weights", str(tiny_weights)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "empty.png" in done.stderr


def test_a_truncated_picture_is_one_line(tiny_weights: Path, tmp_path: Path, capfd: Any) -> None:
    content = cv2.imencode(".png", draw_spine()[0])[1].tobytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    done = CliRunner().invoke(app, ["propose", str(tmp_path / "half.png"), "--weights", str(tiny_weights)])
    assert done.exit_code == 2
    assert done.stderr.strip().endswith("half.png: the picture is damaged")
    assert capfd.readouterr().err == ""


def test_a_bad_file_at_the_end_of_a_long_list_is_noticed_before_any_answer(
    tiny_weights: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(BATCH + 1)]
    for path in paths[:-1]:
        cv2.imwrite(str(path), draw_spine()[0])
    paths[-1].touch()
    done = CliRunner().invoke(app, ["propose", *map(str, paths), "--weights", str(tiny_weights)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert paths[-1].name in done.stderr
