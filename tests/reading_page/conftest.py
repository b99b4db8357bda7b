"""A guarded Label Studio with real tasks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.label_studio import LabelStudio, running_label_studio


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with running_label_studio(tmp_path_factory.mktemp("reading-page")) as running:
        yield running
