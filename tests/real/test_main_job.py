"""The main job on real slices: DICOM made from SPIDER, curated, proposed on, read by two surgeons."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser

from domain.manifest import Study
from tests.end_to_end.main_job import check_ledger, read_sagittal_list
from tests.end_to_end.stack import running_demo
from tests.real.spider_series import write_studies

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]
PATIENTS = ["1", "4", "5"]


def test_two_surgeons_read_real_slices_blind(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> None:
    folder = tmp_path_factory.mktemp("real")
    write_studies(folder / "dicom", PATIENTS)
    with running_demo(folder, "--dicom", str(folder / "dicom")) as demo:
        manifest = (demo.home.store / "manifest.jsonl").read_text(encoding="utf-8")
        studies = [Study.model_validate_json(line) for line in manifest.splitlines()]
        assert len(studies) == len(PATIENTS)
        assert "Invented" not in manifest
        one, two = demo.of_role("reader")
        reads = {
            one.id: read_sagittal_list(browser, demo, one, two),
            two.id: read_sagittal_list(browser, demo, two, one),
        }
        check_ledger(demo, reads)
        _proposals_are_real(demo.client.get("/api/readings", limit=1000, content=True))
        assert demo.client.get("/api/proposals")["failed"] == 0


def _proposals_are_real(rows: list[dict[str, object]]) -> None:
    """Where readers were shown boxes, they were five or more of the model's."""
    shown = [row["shown"] for row in rows if row["arm"] != "unaided"]
    for result in shown:
        boxes = [part for part in json.loads(json.dumps(result)) if part["type"] == "rectanglelabels"]
        assert len(boxes) >= 5
