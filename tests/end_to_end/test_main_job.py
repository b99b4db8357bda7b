"""The main job on phantoms, from `discloop demo` to the ledger."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.end_to_end.main_job import check_ledger, read_sagittal_list
from tests.end_to_end.stack import Demo

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]


def test_two_surgeons_read_blind_and_the_ledger_has_each_reading_once(demo: Demo, browser: Browser) -> None:
    one, two = demo.of_role("reader")
    reads = {
        one.id: read_sagittal_list(browser, demo, one, two),
        two.id: read_sagittal_list(browser, demo, two, one),
    }
    check_ledger(demo, reads)
