"""What serving costs beyond the networks: `python -m benchmarks ml_serving`, `DISCLOOP_DATA` for real slices.

Ratios measured side by side on this machine: a request for one slice, and a batch, against reading, decoding
and the bare forward passes in the same runtime; and the runtimes against eager PyTorch. What is compared is
measured in turns, so that other work on the machine slows both. Then 16 clients at once, and the memory over
many predictions.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import torch
from fastapi.testclient import TestClient
from pydantic import SecretStr

from backend.studies.manifest_file import read_manifest
from data_curation.curation import curate
from data_curation.identity import PseudonymKey
from data_curation.phantom.generation import make_phantoms
from data_curation.policy import POLICY
from domain.taxonomy import Plane
from ml_backend.app import create_app
from ml_backend.grader.crops import column_window, crop_disc, frame_discs
from ml_backend.model import LoadedModel, load_model
from ml_backend.runtimes import Compiled, Floats, RuntimeName
from ml_backend.samples import GreyImage
from ml_backend.settings import Settings
from ml_backend.weights import BUNDLED

PASSWORD = "bench-Only-7731-local"
AUTH = ("discloop", PASSWORD)
REPEATS, BLOCKS = 20, 4
CLIENTS = 16
SLICES, PHANTOMS = 40, 8


def measure(*, batch: int = 100, predictions: int = 1000) -> dict[str, Any]:
    """Ratios to the bare work, milliseconds in a crowd, and the growth of memory."""
    with tempfile.TemporaryDirectory() as home:
        data = os.environ.get("DISCLOOP_DATA")
        files = _real(Path(data)) if data else _phantoms(Path(home) / "phantoms")
        report: dict[str, Any] = {"slices": len(files), "real": bool(data), "batch": batch}
        settings = _settings(Path(home), files)
        with TestClient(create_app(settings)) as client:
            model = load_model(BUNDLED, runtime=settings.ml_runtime, threads=settings.ml_threads)
            report |= _served(client, model, files, batch)
            report |= _crowded(client, files) | _remembered(client, files, predictions)
        report["load"] = [round(load, 1) for load in os.getloadavg()]
        return report | _runtimes(files, threads=settings.ml_threads)


def _real(data: Path) -> list[Path]:
    return sorted((data / "spider" / "t2").glob("*.png"))[:SLICES]


def _phantoms(home: Path) -> list[Path]:
    make_phantoms(home / "dicom", studies=PHANTOMS, seed=1)
    curate(home / "dicom", home / "store", key=PseudonymKey(bytes(range(32))), policy=POLICY)
    series = [series for _, study in read_manifest(home / "store") for series in study.series]
    return [home / "store" / s.slices[s.midline].path for s in series if s.plane is Plane.SAGITTAL]


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
        looks, crops, shapes = inputs[n % len(files)]
        for network, picture in looks:
            network(picture)
        model._grader(crops, shapes)

    def bare_batch() -> None:
        for n in range(batch):
            bare(n)

    one, bare_one = _in_turns([lambda n: post([tasks[n % batch]]), bare])
    half = _seconds(bare_batch)
    whole = _seconds(lambda: post(tasks))
    bare_whole = (half + _seconds(bare_batch)) / 2
    return {
        "one_ms": one,
        "bare_ms": bare_one,
        "one_ratio": round(one / bare_one, 3),
        "batch_ratio": round(whole / bare_whole, 3),
    }


def _crowded(client: TestClient, files: list[Path]) -> dict[str, Any]:
    """Sixteen clients at once, five requests each: how many were lost."""

    def ask(n: int) -> bool:
        address = f"/discloop/slices/1/bench-key-0000/{n % len(files)}"
        answer = client.post("/predict", json={"tasks": [{"data": {"slices": [address]}}]}, auth=AUTH)
        return answer.status_code == 200 and "error" not in answer.json()["results"][0]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answered = list(pool.map(ask, range(5 * CLIENTS)))
    return {"clients": CLIENTS, "requests": len(answered), "lost": answered.count(False)}


def _remembered(client: TestClient, files: list[Path], predictions: int) -> dict[str, Any]:
    """Memory of this process after a tenth of the predictions and after all, MiB."""
    addresses = [f"/discloop/slices/1/bench-key-0000/{n}" for n in range(len(files))]
    tasks = [{"data": {"slices": addresses, "open": n % len(files)}} for n in range(predictions // 10)]
    sizes = []
    for _ in range(10):
        assert client.post("/predict", json={"tasks": tasks}, auth=AUTH).status_code == 200
        sizes.append(round(psutil.Process().memory_info().rss / 2**20, 1))
    return {"predictions": predictions, "memory_mib": sizes}


def _runtimes(files: list[Path], *, threads: int) -> dict[str, Any]:
    """Milliseconds of the networks in each runtime, and how much faster than eager PyTorch it is."""
    torch.set_num_threads(threads)
    models = [load_model(BUNDLED, runtime=name, threads=threads) for name in RuntimeName]
    inputs = _inputs(models[0], files[0])

    def forward(model: LoadedModel) -> Callable[[int], object]:
        ((_, picture), *_), crops, shapes = inputs
        return lambda _: (model._detector(picture), model._grader(crops, shapes))

    times = dict(zip(RuntimeName, _in_blocks([forward(model) for model in models]), strict=True))
    return {
        "forward_ms": {name.value: time_ for name, time_ in times.items()},
        "faster_than_eager": {
            name.value: round(times[RuntimeName.EAGER] / time_, 2) for name, time_ in times.items()
        },
    }


def _read(file: Path) -> GreyImage:
    content = np.frombuffer(file.read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_GRAYSCALE), np.uint8)


Looks = list[tuple[Compiled, Floats]]


def _inputs(model: LoadedModel, file: Path) -> tuple[Looks, Floats, Floats]:
    """What the networks are given for a slice, made beforehand: the detector's looks, the graders' crops."""
    looks: Looks = []

    def recorded(network: Compiled) -> Compiled:
        def look(picture: Floats) -> tuple[Floats, ...]:
            looks.append((network, picture))
            return network(picture)

        return look

    image, networks = _read(file), (model._detector, model._closer)
    model._detector, model._closer = map(recorded, networks)
    frames = frame_discs(model.find([image])[0].column.boxes)
    model._detector, model._closer = networks
    window = column_window(image, frames)
    crops = np.stack([crop_disc(image, frame, window) for frame in frames])
    return looks, crops, np.stack([frame.shape for frame in frames])


def _in_turns(works: list[Callable[[int], object]]) -> list[float]:
    """Median milliseconds of each call, one after the other, after three rounds to warm up."""
    times = [[_seconds(partial(work, n)) for work in works] for n in range(REPEATS + 3)]
    return [round(statistics.median(row) * 1000, 2) for row in zip(*times[3:], strict=True)]


def _in_blocks(works: list[Callable[[int], object]]) -> list[float]:
    """Median milliseconds of each call, in blocks: a runtime's threads go on waiting busily for a while."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(BLOCKS):
        for work, taken in zip(works, times, strict=True):
            time.sleep(0.5)
            work(0)
            taken += [_seconds(partial(work, n)) for n in range(REPEATS // BLOCKS)]
    return [round(statistics.median(taken) * 1000, 2) for taken in times]


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
