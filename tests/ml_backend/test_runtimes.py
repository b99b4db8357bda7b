"""All runtimes answer as PyTorch does: the same boxes within a pixel, the same grade."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml_backend.export_check import compare_export
from ml_backend.model import BATCH, load_model
from ml_backend.ordinal import median_grade
from ml_backend.runtimes import RuntimeName
from tests.ml_backend.spines import draw_spine

WATCHED = """
import sys
from pathlib import Path
from ml_backend.model import load_model
from ml_backend.runtimes import RuntimeName
done = []
sys.addaudithook(lambda event, _: done.append(event) if event in ("os.fork", "socket.connect") else None)
load_model(Path(sys.argv[1]), runtime=RuntimeName(sys.argv[2]), threads=1)
print(done)
"""
"""Loads a model in a process of its own and tells what it started or connected to meanwhile."""
REPLACED = """
import resource, sys
from pathlib import Path
from ml_backend.runtimes import RuntimeName
from ml_backend.slot import ModelSlot
def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
slot = ModelSlot(runtime=RuntimeName(sys.argv[2]), threads=1)
sizes = []
for generation in range(8):
    slot.load(Path(sys.argv[1]), generation=generation)
    sizes.append(resident_mb())
print((sizes[7] - sizes[3]) / 4)
"""
"""Replaces a model by itself in a process of its own and tells what each later time left, MB."""
MOST_LEFT_MB = 15
"""OpenVINO's own conversion left 96 of the smallest model."""


@pytest.mark.parametrize("runtime", [RuntimeName.ONNX, RuntimeName.OPENVINO])
def test_parity_with_pytorch(runtime: RuntimeName) -> None:
    from ml_backend.weights import BUNDLED

    reference = load_model(BUNDLED, runtime=RuntimeName.EAGER, threads=1)
    compiled = load_model(BUNDLED, runtime=runtime, threads=1)
    drawn = [draw_spine(seed=seed) for seed in range(3)]
    images = [image for image, _ in drawn]
    for a, b in zip(reference.find(images), compiled.find(images), strict=True):
        assert a.column.boxes == pytest.approx(b.column.boxes, abs=1)
        assert a.embedding == pytest.approx(b.embedding, abs=1e-2)
    for ours, theirs in zip(reference.grade_all(drawn), compiled.grade_all(drawn), strict=True):
        assert ours.grades == pytest.approx(theirs.grades, abs=5e-3)
        assert (median_grade(ours.grades) == median_grade(theirs.grades)).all()
    serving = compare_export(reference, compiled, drawn, runtime=runtime)
    assert (serving["slices"], serving["same_grades"]) == (3, 1)
    assert serving["box_px"] < 1


def test_an_export_that_says_something_else_is_noticed(tiny_weights: Path) -> None:
    from ml_backend.weights import BUNDLED

    ours, other = (load_model(f, runtime=RuntimeName.EAGER, threads=1) for f in (BUNDLED, tiny_weights))
    assert compare_export(ours, other, [draw_spine(seed=0)])["same_grades"] < 0.98


@pytest.mark.parametrize("runtime", list(RuntimeName))
def test_a_model_that_is_replaced_leaves_no_memory_behind(runtime: RuntimeName, tiny_weights: Path) -> None:
    assert float(_said(REPLACED, tiny_weights, runtime)) < MOST_LEFT_MB


@pytest.mark.parametrize("runtime", list(RuntimeName))
def test_no_runtime_starts_a_process_or_calls_anybody(runtime: RuntimeName, tiny_weights: Path) -> None:
    assert _said(WATCHED, tiny_weights, runtime) == "[]\n"


def _said(script: str, weights: Path, runtime: RuntimeName) -> str:
    """What a script says of a model in a process of its own."""
    command = [sys.executable, "-c", script, str(weights), runtime.value]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_batch_answers_as_its_slices_alone(tiny_weights: Path) -> None:
    model = load_model(tiny_weights, runtime=RuntimeName.EAGER, threads=1)
    images = [draw_spine(seed=seed)[0][: 320 - 10 * seed] for seed in range(BATCH + 2)]
    together = model.find(images)
    for image, found in zip(images, together, strict=True):
        alone = model.find([image])[0]
        assert np.allclose(alone.embedding, found.embedding, atol=1e-4)
        assert alone.column.boxes == pytest.approx(found.column.boxes, abs=0.5)
