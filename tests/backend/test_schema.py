"""Whatever fits the backend's schema is answered as the schema says: no 5xx, no undocumented answer."""

from __future__ import annotations

import pytest

from backend.settings import Settings
from tests.backend.workplace import Workplace
from tests.schemas import wrong_answers


@pytest.mark.soak
def test_the_backend_answers_as_its_schema_says(workplace: Workplace, settings: Settings) -> None:
    token = settings.api_token.get_secret_value()
    found = wrong_answers(workplace.app, {"Authorization": f"Bearer {token}"})
    assert "\n\n".join(found) == ""
