"""One demo on phantoms for all end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.stack import Demo, running_demo


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo"), "--studies", "2") as running:
        yield running
