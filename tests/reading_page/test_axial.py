"""Reading an axial unit in a real browser, through the guard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from domain.boxes import Box
from domain.taxonomy import HizSide, Level, Plane
from labeling_configs.codec import decode
from labeling_configs.configs import reading_config
from tests.label_studio import LabelStudio
from tests.reading_page.desk import DISCS, SLICES, desk
from tests.waiting import until

pytestmark = [pytest.mark.label_studio, pytest.mark.browser]


def test_lesions_are_marked_beside_the_scout(label_studio: LabelStudio, browser: Browser) -> None:
    config = reading_config(Plane.AXIAL, "zh")
    with desk(label_studio, browser, config=config, plane=Plane.AXIAL) as read:
        until(
            lambda: read.page.evaluate("document.querySelector('.dl-scout img')?.naturalWidth"),
            within_s=10,
            what="the scout beside the stack",
        )
        assert "椎间盘" in read.page.inner_text(".dl-panel")
        read.press("d")
        read.drag(DISCS[2])
        read.press("1", "a", "g")  # no grades here: 1 does nothing
        read.drag(Box(x1=230, y1=255, x2=255, y2=280))
        read.press("p")
        assert read.submit().status == 201
        findings = decode(read.kept(), plane=Plane.AXIAL, slices=SLICES)
        assert [(disc.level, disc.pfirrmann) for disc in findings.discs] == [(Level.L4_5, None)]
        assert [(zone.level, zone.side) for zone in findings.hiz] == [(Level.L4_5, HizSide.POSTERIOR)]
