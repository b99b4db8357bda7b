from typing import Any

import pytest
from pydantic import ValidationError

from domain.manifest import Study


def study(**changes: Any) -> dict[str, Any]:
    one_slice = {
        "path": "studies/s-0001/sagittal/000.png",
        "width": 320,
        "height": 448,
        "position": 0.0,
        "to_patient": [[0, 0, 1, 0], [0.625, 0, 0, 0], [0, -0.625, 0, 0]],
    }
    series = {"plane": "sagittal", "slices": [one_slice], "midline": 0, "spacing": 0.625, "window": [0, 900]}
    return {
        "patient": "pt-0001",
        "study": "s-0001",
        "split": "train",
        "series": [series],
        "digest": "0" * 64,
    } | changes


def test_a_study_survives_json() -> None:
    parsed = Study.model_validate(study())
    assert Study.model_validate_json(parsed.model_dump_json()) == parsed


@pytest.mark.parametrize(
    "path", ["../secret.png", "/etc/passwd.png", "studies/../../x.png", "studies/a b.png", "studies/x.dcm"]
)
def test_a_slice_cannot_leave_the_store(path: str) -> None:
    series = study()["series"]
    series[0]["slices"][0]["path"] = path
    with pytest.raises(ValidationError, match="path"):
        Study.model_validate(study(series=series))


def test_the_midline_is_one_of_the_slices() -> None:
    series = study()["series"]
    series[0]["midline"] = 1
    with pytest.raises(ValidationError, match="midline 1 is not one of 1 slices"):
        Study.model_validate(study(series=series))


def test_a_study_has_one_series_a_plane() -> None:
    with pytest.raises(ValidationError, match="one series a plane"):
        Study.model_validate(study(series=study()["series"] * 2))
