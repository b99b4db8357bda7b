"""What serving costs beyond the networks: `python -m benchmarks.ml_serving SLICES`.

Ratios measured side by side on this machine: a request for one slice, and a batch, against reading, decoding
and the bare forward passes in the same runtime; and the runtimes against eager PyTorch.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi.testclient import TestClient
from pydantic import SecretStr

from ml_backend.app import create_app
from ml_backend.detector.letterbox import Letterbox
from ml_backend.grader.crops import column_window, crop_disc, frame_discs
from ml_backend.model import LoadedModel, load_model
from ml_backend.runtimes import Floats, RuntimeName
from ml_backend.samples import GreyImage
from ml_backend.settings import Settings
from ml_backend.weights import BUNDLED

PASSWORD = "bench-Only-7731-local"
AUTH = ("discloop", PASSWORD)
REPEATS = 20


def main(folder: Path, *, batch: int = 80) -> dict[str, Any]:
    """Measure on the PNG files of a folder."""
    files = sorted(folder.glob("*.png"))[:40]
    report: dict[str, Any] = {"slices": len(files), "batch": batch}
    with tempfile.TemporaryDirectory() as home:
        settings = _settings(Path(home), files)
        with TestClient(create_app(settings)) as client:
            report |= _served(client, load_model(BUNDLED, runtime=settings.ml_runtime), files, batch)
    report["forward_ms"] = {
        name.value: _forward_ms(load_model(BUNDLED, runtime=name), files) for name in RuntimeName
    }
    return report


def _settings(home: Path, files: list[Path]) -> Settings:
    store, keys = home / "store", home / "keys"
    for folder in (store / "studies", keys):
        folder.mkdir(parents=True)
    names = [f"studies/{number:03d}.png" for number in range(len(files))]
    for name, file in zip(names, files, strict=True):
        (store / name).write_bytes(file.read_bytes())
    (keys / "bench-key-0000.json").write_text(json.dumps({"slices": names}))
    return Settings(ml_password=SecretStr(PASSWORD), store=store, keys=keys)


def _served(client: TestClient, model: LoadedModel, files: list[Path], batch: int) -> dict[str, Any]:
    addresses = [f"/discloop/slices/1/bench-key-0000/{n}" for n in range(len(files))]
    tasks = [{"data": {"slices": addresses, "open": n % len(files)}} for n in range(batch)]

    def post(body: list[dict[str, Any]]) -> None:
        assert client.post("/predict", json={"tasks": body}, auth=AUTH).status_code == 200

    inputs = [_inputs(model, file) for file in files]

    def bare(n: int) -> None:
        _read(files[n % len(files)])
        picture, crops, shapes = inputs[n % len(files)]
        model._detector(picture)
        model._grader(crops, shapes)

    one, bare_one = _median(lambda n: post([tasks[n % len(files)]])), _median(bare)
    begun = time.perf_counter()
    post(tasks)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    for n in range(batch):
        bare(n)
    bare_whole = time.perf_counter() - begun
    return {
        "one_ms": one,
        "bare_ms": bare_one,
        "one_ratio": round(one / bare_one, 3),
        "batch_ratio": round(whole / bare_whole, 3),
    }


def _read(file: Path) -> GreyImage:
    content = np.frombuffer(file.read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


def _inputs(model: LoadedModel, file: Path) -> tuple[Floats, Floats, Floats]:
    """What the networks are given for a slice, made beforehand."""
    image, side = _read(file), model.description.side
    view = Letterbox.of(image.shape[1], image.shape[0], side).apply(image)
    picture = np.zeros((1, 1, side, side), np.float32)
    picture[0, 0, : view.shape[0], : view.shape[1]] = view
    frames = frame_discs(model.find([image])[0].column.boxes)
    window = column_window(image, frames)
    crops = np.stack([crop_disc(image, frame, window) for frame in frames])
    return picture, crops, np.stack([frame.shape for frame in frames])


def _forward_ms(model: LoadedModel, files: list[Path]) -> dict[str, float]:
    picture, crops, shapes = _inputs(model, files[0])
    return {
        "detector": _median(lambda _: model._detector(picture)),
        "graders": _median(lambda _: model._grader(crops, shapes)),
    }


def _median(work: Callable[[int], object]) -> float:
    """Median milliseconds of a call, after three to warm up."""
    times = []
    for n in range(REPEATS + 3):
        begun = time.perf_counter()
        work(n)
        times.append(time.perf_counter() - begun)
    return round(statistics.median(times[3:]) * 1000, 2)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1])), indent=1) + "\n")
