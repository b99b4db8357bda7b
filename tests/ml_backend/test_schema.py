"""Whatever fits the ML backend's schema is answered as the schema says: no 5xx, no undocumented answer."""

from __future__ import annotations

import base64

import pytest

from ml_backend.app import create_app
from ml_backend.runtimes import RuntimeName
from ml_backend.settings import Settings
from ml_backend.slot import ModelSlot
from tests.ml_backend.test_service import AUTH, settings
from tests.schemas import wrong_answers

__all__ = ["settings"]


@pytest.mark.soak
def test_the_ml_backend_answers_as_its_schema_says(settings: Settings) -> None:
    slot = ModelSlot(runtime=RuntimeName.EAGER, threads=1)
    slot.load(settings.weights / "first")
    basic = base64.b64encode(":".join(AUTH).encode()).decode()
    found = wrong_answers(create_app(settings, slot=slot), {"Authorization": f"Basic {basic}"})
    assert "\n\n".join(found) == ""
