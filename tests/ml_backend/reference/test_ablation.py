"""The ablation: its variants, determinism, going on after a stop, and that a reading can be tabulated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import typer

from ml_backend.crossvalidation import PublicData
from ml_backend.progress import Interrupted, Progress
from ml_backend.reference import ablation
from ml_backend.reference.ablation import Options, read, train, variants
from ml_backend.reference.network import Changes, ReferenceModel
from ml_backend.tables import tabulate
from tests.ml_backend.spines import DISCS, labelled_spine

OPTIONS = Options(epochs=2, side=64, batch=2)
SLICES = [labelled_spine(f"p{i}", seed=i) for i in range(2)]


class _Stopping(Progress):
    def check(self) -> None:
        raise Interrupted


def _trained(checkpoint: Path, progress: Progress | None = None) -> ReferenceModel:
    progress = progress or Progress(checkpoint.with_suffix(".jsonl"))
    return train(SLICES, Changes(), OPTIONS, name="all", checkpoint=checkpoint, progress=progress)


def test_each_variant_leaves_out_one_change() -> None:
    found = variants(OPTIONS)
    assert [name for name in found if name.startswith("without")] == list(found)[1:-1]
    for name, (changes, options) in found.items():
        left_out = [*vars(changes).values(), options.augment].count(False)
        assert left_out == {"all": 0, "none": 5}.get(name, 1)


def test_a_stopped_training_ends_as_an_undisturbed_one_and_its_readings_can_be_tabulated(
    tmp_path: Path,
) -> None:
    first = _trained(tmp_path / "first.pt")
    with pytest.raises(Interrupted):
        _trained(tmp_path / "second.pt", _Stopping(tmp_path / "stopped.jsonl"))
    second = _trained(tmp_path / "second.pt")
    assert len((tmp_path / "second.jsonl").read_text().splitlines()) == 1
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )
    tables = tabulate(read(first, SLICES, OPTIONS.side), threshold=0.5, resamples=0)
    assert tables["per_disc"]["discs"] == 2 * (DISCS - 1)
    assert tables["herniation"]["per_disc"] == "not evaluable"


def test_a_variant_that_was_written_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    public = PublicData(SLICES, [], {"p0": 0, "p1": 1})
    monkeypatch.setattr(ablation, "load_public", lambda _: public)
    out = tmp_path / "rows.json"
    about = {"epochs": 1, "side": 64, "fold": 0, "trained_on": 1, "read_on": 1}
    written: dict[str, object] = {name: {"kappa_linear": 0.5} for name in variants(OPTIONS) if name != "none"}
    out.write_text(json.dumps(about | {"variants": written}))
    ablation.main(tmp_path, out, epochs=1, side=64, fold=0, most=1000)
    rows = json.loads(out.read_text())["variants"]
    assert {name: rows[name] for name in written} == written
    assert set(rows) - set(written) == {"none"}
    lines = out.with_suffix(".progress.jsonl").read_text().splitlines()
    (last,) = map(json.loads, lines)
    assert (last["stage"], last["epoch"], last["epochs"], last["left_s"]) == ("none", 7, 7, 0)
    with pytest.raises(typer.Exit):
        ablation.main(tmp_path, out, epochs=2, side=64, fold=0, most=1000)
    assert f"{out}: made with" in capsys.readouterr().err
