"""The ML backend as Label Studio meets it: both are real processes, and ours is killed in between."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser

from domain.boxes import Box, intersection_over_union
from domain.taxonomy import Plane
from labeling_configs.codec import decode
from labeling_configs.configs import reading_config
from ml_backend.settings import USER
from ml_backend.weights import BUNDLED
from tests.label_studio import PYTHON, ROOT, LabelStudio, project_of, reader, running_label_studio
from tests.ml_backend.conftest import PASSWORD
from tests.ml_backend.spines import draw_spine
from tests.reading_page.desk import COUNT, MIDLINE, SIZE, SLICES, Desk, desk, paint_unit
from tests.waiting import free_ports, until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]
TASKS = 500
CONFIG = reading_config(Plane.SAGITTAL)
RETRIEVE = """
import django; django.setup()
from data_manager.functions import evaluate_predictions
from tasks.models import Task
evaluate_predictions(Task.objects.filter(project={project}))
"""
"""What Label Studio's action "Retrieve predictions" does; the guard opens the action to nobody."""
PATIENT = {"ML_CONNECTION_TIMEOUT": "30", "ML_TIMEOUT_HEALTH": "30", "ML_TIMEOUT_SETUP": "30"}
"""Label Studio's own limits are seconds, which a loaded machine exceeds."""
ROUGH = Box(x1=135, y1=280, x2=230, y2=340)
"""A box as a reader draws it, around a disc that the bundled model sees on `spine`."""


@dataclass
class MlBackend:
    """Our service as a process."""

    site: LabelStudio
    weights: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DISCLOOP_")}
        environment |= {
            "DISCLOOP_ML_PASSWORD": PASSWORD,
            "DISCLOOP_STORE": str(self.site.store),
            "DISCLOOP_KEYS": str(self.site.keys),
            "DISCLOOP_WEIGHTS": str(self.weights),
            "DISCLOOP_ML_RUNTIME": "eager",
            "DISCLOOP_ML_THREADS": "1",
        }
        command = [sys.executable, "-m", "ml_backend.serve", "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment)
        until(self._ready, within_s=300, what="the ML backend ready")

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def attach(self, project: int) -> dict[str, Any]:
        """Connect a project to it; Label Studio's answer."""
        body = {"url": f"http://127.0.0.1:{self.port}", "project": project, "title": "DiscLoop"}
        body |= {"auth_method": "BASIC_AUTH", "basic_auth_user": USER, "basic_auth_pass": PASSWORD}
        with self.site.service() as service:
            answer = service.post("/api/ml/", json=body)
        assert answer.status_code == 201, answer.text
        attached: dict[str, Any] = answer.json()
        return attached

    def answered(self, path: str) -> int:
        """How many requests to a path it has answered with 200, by its own count."""
        metrics = httpx.get(
            f"http://127.0.0.1:{self.port}/metrics", auth=(USER, PASSWORD), trust_env=False
        ).text
        counter = f'discloop_ml_requests_total{{route="{path}",status="200"}}'
        (line,) = [line for line in metrics.splitlines() if line.startswith(counter)]
        return int(float(line.split()[-1]))

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the ML backend ended"
        try:
            address = f"http://127.0.0.1:{self.port}/ready"
            return httpx.get(address, trust_env=False, timeout=5).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture(scope="module")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with running_label_studio(tmp_path_factory.mktemp("protocol"), env=PATIENT) as running:
        yield running


@contextmanager
def running_ml_backend(site: LabelStudio, weights: Path) -> Iterator[MlBackend]:
    """One on a free port, ended at the end."""
    running = MlBackend(site, weights, free_ports(1)[0])
    try:
        running.start()
        yield running
    finally:
        running.kill()


def spine() -> Image.Image:
    """A drawn spine of the size of a unit's slices."""
    return Image.fromarray(draw_spine(seed=0)[0]).resize(SIZE, Image.Resampling.BILINEAR)


def opened(site: LabelStudio, task: int) -> list[dict[str, Any]]:
    """The predictions that a task is opened with."""
    with site.service() as service:
        answer = service.get(f"/api/tasks/{task}/")
    assert answer.status_code == 200, answer.text
    predictions: list[dict[str, Any]] = answer.json()["predictions"]
    return predictions


def retrieve(site: LabelStudio, project: int) -> None:
    """Let Label Studio fetch the predictions of all tasks that have none."""
    done = subprocess.run(
        [str(PYTHON), "-c", RETRIEVE.format(project=project)],
        cwd=ROOT,
        env=dict(site.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_hundreds_of_tasks_are_predicted_at_once_and_again_after_a_kill(
    label_studio: LabelStudio, tiny_weights: Path
) -> None:
    key = "protocol_of_500_tasks"
    paint_unit(label_studio, key, Plane.SAGITTAL)
    project = project_of("p-00000001", label_config=CONFIG)
    label_studio.put_projection(people=[reader("p-00000001")], projects=[project])
    number = label_studio.projects[project["key"]]
    address = f"/discloop/slices/{number}/{key}"
    data = {"key": key, "slices": [f"{address}/{i}" for i in range(COUNT)], "open": MIDLINE}
    first, *_, last = label_studio.import_tasks(number, [{"data": data}] * (TASKS + 1))
    with running_ml_backend(label_studio, tiny_weights) as ml:
        assert ml.attach(number)["state"] == "CO"
        (prediction,) = opened(label_studio, first)
        version = prediction["model_version"]
        assert version.startswith("tiny-")
        retrieve(label_studio, number)
        with label_studio.service() as service:
            kept = service.get("/api/predictions/", params={"project": number}).json()
        assert len({one["task"] for one in kept}) == len(kept) == TASKS + 1
        assert {one["model_version"] for one in kept} == {version}
        assert ml.answered("/predict") == 2

        (later,) = label_studio.import_tasks(number, [{"data": data}])
        ml.kill()
        assert opened(label_studio, later) == []
        assert [one["model_version"] for one in opened(label_studio, last)] == [version]
        ml.start()
        assert [one["model_version"] for one in opened(label_studio, later)] == [version]


def boxes(read: Desk) -> list[Box]:
    """The boxes on the page, in pixels of the slice."""
    script = "Htx.annotationStore.selected.regions.map((r) => [r.x, r.y, r.x + r.width, r.y + r.height])"
    scale = (SIZE.width / 100, SIZE.height / 100) * 2
    return [
        Box.from_list([edge * by for edge, by in zip(edges, scale, strict=True)])
        for edges in read.page.evaluate(script)
    ]


def draw_disc(read: Desk, rough: Box) -> Box:
    """Draw a box with the smart tool; what it has become when it was answered."""
    before = read.count()
    read.press("d")
    read.page.wait_for_function("Htx.autoAnnotation")
    read.drag(rough)
    settled = "Htx.annotationStore.selected.regions.every((box) => !box.dynamic)"
    until(
        lambda: read.count() == before + 1 and read.page.evaluate(settled),
        within_s=30,
        what="the box answered",
    )
    (box,) = [box for box in boxes(read) if intersection_over_union(box, rough) > 0.15]
    return box


def test_a_reader_goes_on_while_the_ml_backend_is_killed(label_studio: LabelStudio, browser: Browser) -> None:
    above = Box(x1=ROUGH.x1, y1=100, x2=ROUGH.x2, y2=140)
    with running_ml_backend(label_studio, BUNDLED) as ml:
        address = f"http://{USER}:{PASSWORD}@127.0.0.1:{ml.port}/reading"
        with desk(label_studio, browser, config=CONFIG, ml_backend=address, picture=spine()) as read:
            snapped = draw_disc(read, ROUGH)
            assert intersection_over_union(snapped, ROUGH) < 0.95
            read.press("3")

            ml.kill()
            assert intersection_over_union(draw_disc(read, above), above) > 0.95
            read.page.locator(".dl-refused", has_text="The smart box does not answer").wait_for()
            read.press("4")

            ml.start()
            again = Box(x1=ROUGH.x1, y1=205, x2=ROUGH.x2 + 5, y2=265)
            assert intersection_over_union(draw_disc(read, again), again) < 0.95
            until(lambda: read.page.locator(".dl-refused").count() == 0, within_s=10, what="the notice gone")
            read.press("2", "s")
            assert read.submit().status == 201
            discs = decode(read.kept(), plane=Plane.SAGITTAL, slices=SLICES).discs
            assert sorted(disc.pfirrmann or 0 for disc in discs) == [2, 3, 4]
