"""An engineer's session in a real Chromium: why a round is due, approve, watch, read, promote, roll back.

With DISCLOOP_SCREENSHOTS=DIR every page is kept as a picture, at 1280 and 390 pixels, light and dark.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from backend.access import SESSION_COOKIE
from domain.rounds import RoundState
from domain.taxonomy import Role
from tests.backend.rounds.conftest import POLICY, label_studies, stub_settings, the_round
from tests.backend.rounds.test_rounds import step
from tests.backend.workplace import Workplace
from tests.waiting import free_ports, until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
SHOTS = os.environ.get("DISCLOOP_SCREENSHOTS")


@contextmanager
def served(workplace: Workplace) -> Iterator[str]:
    """The workplace's application at a real address."""
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(workplace.app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, within_s=30, what="the backend listens")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def signed_in(browser: Browser, workplace: Workplace, address: str, role: Role) -> Page:
    """A page of somebody's browser after the sign-in."""
    person = workplace.add_person(role, role.value)
    with workplace.client() as client:
        workplace.sign_in(client, person)
        token = client.cookies[SESSION_COOKIE]
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address}])
    return context.new_page()


def look(page: Page, name: str) -> None:
    """Nothing of the page is cut off at either width, and a picture is kept where one is asked for."""
    for width, scheme in ((390, "light"), (1280, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        widest = page.evaluate("document.documentElement.scrollWidth")
        assert widest <= width, f"{name}: {widest} pixels wide at {width}"
        bar = page.evaluate("document.querySelector('.top').offsetHeight")
        assert bar < 110, f"{name}: the menu's bar wraps at {width}, {bar} pixels high"
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png", full_page=True)


def carried_on(workplace: Workplace, reached: Callable[[], object]) -> Callable[[], bool]:
    """A look that takes a step of the scheduler first."""

    def look_after_a_step() -> bool:
        step(workplace)
        return bool(reached())

    return look_after_a_step


def press(page: Page, words: str) -> None:
    """A button, by the keyboard."""
    page.get_by_role("button", name=words).focus()
    page.keyboard.press("Enter")


def by_the_menu(page: Page, name: str) -> None:
    """To another page by the menu, which a narrow screen opens by a button."""
    page.set_viewport_size({"width": 390, "height": 900})
    press(page, "Menu")
    page.get_by_role("navigation").get_by_role("link", name=name).click()
    page.wait_for_url(f"**/{name.lower()}")


def test_from_due_to_promoted_and_back(workplace: Workplace, browser: Browser) -> None:
    policy = POLICY | {"triggers": {"consensus_discs": 10}}
    slow = stub_settings(workplace.settings, train="--epochs 100 --pause 0.2", policy=policy)
    workplace.settings.__dict__.update(slow.__dict__)
    label_studies(workplace)
    workplace.job("round_proposals")
    with served(workplace) as address:
        page = signed_in(browser, workplace, address, Role.ENGINEER)
        page.goto(f"{address}/")
        page.get_by_role("link", name="Look and approve").click()
        assert "due by consensus discs" in page.inner_text("main")
        round_id = page.url.rsplit("/", 1)[1]
        page.goto(f"{address}/rounds")
        look(page, "rounds-due")
        page.get_by_role("link", name="The policy").click()
        assert "reached" in page.inner_text("main")
        look(page, "policy")
        for name in ("Data", "Ranking", "Agreement"):
            by_the_menu(page, name)
            look(page, name.lower())
        page.goto(f"{address}/rounds/{round_id}")
        press(page, "Approve and freeze the snapshot")
        page.get_by_role("button", name="Start training").wait_for()
        look(page, "approved")
        press(page, "Start training")
        _watch(page, workplace, round_id)
        until(
            carried_on(workplace, lambda: the_round(workplace, round_id).ended_at),
            within_s=60,
            what="the round ends",
        )
        assert the_round(workplace, round_id).state is RoundState.PASSED
        page.goto(f"{address}/rounds/{round_id}")
        assert "better on linear kappa" in page.inner_text("main")
        look(page, "evidence")
        press(page, "Promote")
        page.get_by_role("button", name="Go back to the model before").wait_for()
        workplace.work("replicas")
        page.goto(f"{address}/models")
        assert "generation 1" in page.inner_text("main")
        look(page, "promoted")
        page.goto(f"{address}/rounds/{round_id}")
        press(page, "Go back to the model before")
        page.get_by_text("rolled back").first.wait_for()
        workplace.work("replicas")
        page.goto(f"{address}/models")
        assert workplace.fakes.ml_backend.version == "model-1"
        look(page, "rolled-back")
        page.context.close()


def _watch(page: Page, workplace: Workplace, round_id: str) -> None:
    """The page shows new progress by itself while the trainer runs."""
    page.get_by_text("queued").first.wait_for()
    until(
        carried_on(workplace, lambda: the_round(workplace, round_id).progress), within_s=60, what="progress"
    )
    page.get_by_text("Epoch").wait_for()
    first = page.get_by_text("Epoch").inner_text()
    until(
        carried_on(workplace, lambda: page.get_by_text("Epoch").inner_text() != first),
        within_s=60,
        what="the page shows a later epoch",
    )
    look(page, "training")
