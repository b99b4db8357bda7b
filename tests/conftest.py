"""What holds for all tests: no outside network, real data only where named, an order for two workers."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain

import pytest
from playwright.sync_api import Browser

from tests.chromium import running_chromium

SLOW_FIRST = ("tests/end_to_end/", "tests/label_studio_guard/", "tests/real/")

# The images are not part of the product: their tests exist only where the folder is named.
collect_ignore = [] if os.environ.get("DISCLOOP_DATA") else ["real"]


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    connecting, address = arguments
    if not isinstance(connecting, socket.socket) or not isinstance(address, tuple):
        return
    try:
        inside = ipaddress.ip_address(str(address[0])).is_loopback
    except ValueError:
        inside = address[0] == "localhost"
    if not inside:
        raise ConnectionRefusedError(f"tests reach the loopback address only, not {address[0]}")


sys.addaudithook(_refuse_outside)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium a file: two open at once in a process are more than Playwright allows."""
    with running_chromium() as opened:
        yield opened


# First: pytest-xdist reads the groups in a hook of the same name, and would read them before they are set.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests together, and those that share a folder's Label Studio; the slow ones first."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW_FIRST))


def _group(item: pytest.Item) -> str:
    file = item.nodeid.split("::")[0]
    if item.get_closest_marker("label_studio"):
        return file.rsplit("/", 1)[0] + "/label-studio"
    return file


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each part took, to be held against BUDGET.md."""
    parts: defaultdict[str, float] = defaultdict(float)
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            parts["/".join(report.nodeid.split("::")[0].split("/")[:2])] += report.duration
    terminalreporter.section("seconds of a worker by part")
    for part, seconds in sorted(parts.items(), key=lambda one: -one[1]):
        terminalreporter.write_line(f"{seconds:7.1f} {part}")
