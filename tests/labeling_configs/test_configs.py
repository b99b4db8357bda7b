"""The XML is held to the taxonomy: codes in aliases, words in both languages, keys without clashes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import labeling_configs
from domain.taxonomy import (
    COLUMNS,
    GRADES,
    HerniationType,
    HizSide,
    Level,
    NotGradable,
    NumberingBasis,
    Plane,
    Quality,
    Reason,
)
from labeling_configs.configs import LEVEL_ORDER, adjudication_config, reading_config
from labeling_configs.controls import BOX_CONTROLS, LOCKED, UNIT_CONTROLS, Kind, Verdict
from labeling_configs.page import READING_SCRIPT
from labeling_configs.words import LANGUAGES, WORDS, Language

BUILDERS = {"reading": reading_config, "adjudication": adjudication_config}
PAGES = list(product(BUILDERS, Plane, LANGUAGES))
EDITOR_KEYS = {"u", "h", "v", "b", "m", "r", "shift+r", "shift+1", "shift+2", "backspace", "delete", "escape"}
"""Keys the editor uses itself on an image, from its list of hotkeys."""

SAGITTAL: dict[str, Sequence[str]] = {
    "finding": list(Kind),
    "pfirrmann": [str(grade) for grade in GRADES],
    "not_gradable": list(NotGradable),
    "level": list(Level),
    "herniation_type": list(HerniationType),
    "hiz_side": list(HizSide),
    "quality": list(Quality),
    "transitional": ["transitional"],
    "numbering": list(NumberingBasis),
}
AXIAL = {name: SAGITTAL[name] for name in ("finding", "level", "herniation_type", "hiz_side", "quality")}
ADJUDICATION: dict[str, Sequence[str]] = {
    "verdict": list(Verdict),
    "reason": list(Reason),
    "unit_reason": list(Reason),
    **{name: list(Kind) for name in LOCKED},
}


def tree(page: str, plane: Plane, language: Language = "en") -> ET.Element:
    return ET.fromstring(BUILDERS[page](plane, language))


def controls_of(view: ET.Element) -> dict[str, list[ET.Element]]:
    found = [*view.iter("RectangleLabels"), *view.iter("Choices")]
    return {control.attrib["name"]: list(control) for control in found}


@pytest.mark.parametrize(("page", "plane", "language"), PAGES)
def test_aliases_are_the_taxonomy(page: str, plane: Plane, language: Language) -> None:
    expected = dict(SAGITTAL if plane is Plane.SAGITTAL else AXIAL)
    if page == "adjudication":
        expected |= ADJUDICATION
    given = {
        name: sorted(option.attrib["alias"] for option in options)
        for name, options in controls_of(tree(page, plane, language)).items()
    }
    assert given == {name: sorted(map(str, codes)) for name, codes in expected.items()}


def coded(element: ET.Element) -> dict[str, str]:
    worded = {"value", "hint", "placeholder"}
    return {name: value for name, value in element.attrib.items() if name not in worded}


@pytest.mark.parametrize(("page", "plane"), list(product(BUILDERS, Plane)))
def test_languages_differ_in_words_alone(page: str, plane: Plane) -> None:
    pages = [tree(page, plane, language) for language in LANGUAGES]
    for english, chinese in zip(*(view.iter() for view in pages), strict=True):
        assert coded(english) == coded(chinese)
    words = [{e.attrib.get("value", "") for e in view.iter("Header")} for view in pages]
    assert not words[0] & words[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_a_word_of_its_own(language: Language) -> None:
    words = WORDS[language].codes
    for name, control in BOX_CONTROLS.items():
        assert sorted(words[name]) == sorted(control.codes)
    for name, codes in UNIT_CONTROLS.items():
        assert sorted(words["reason" if name == "unit_reason" else name]) == sorted(codes)
    for name, shown in words.items():
        assert len(set(shown.values())) == len(shown), name


@pytest.mark.parametrize(("page", "plane"), list(product(BUILDERS, Plane)))
def test_every_choice_has_a_key_and_no_two_the_same(page: str, plane: Plane) -> None:
    options = [
        option
        for name, options in controls_of(tree(page, plane)).items()
        if name not in LOCKED
        for option in options
    ]
    keys = [option.attrib["hotkey"] for option in options]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & EDITOR_KEYS


@pytest.mark.parametrize("page", BUILDERS)
def test_axial_pages_show_the_scout_and_ask_for_no_grade(page: str) -> None:
    axial = tree(page, Plane.AXIAL)
    assert [image.attrib["name"] for image in axial.iter("Image")] == ["scout", "slices"]
    assert "pfirrmann" not in controls_of(axial)
    assert [image.attrib["name"] for image in tree(page, Plane.SAGITTAL).iter("Image")] == ["slices"]


def test_boxes_cannot_be_rotated() -> None:
    for page, plane, language in PAGES:
        for control in tree(page, plane, language).iter("RectangleLabels"):
            assert control.attrib["canRotate"] == "false"


def test_levels_are_offered_as_the_ordinary_column_runs() -> None:
    assert LEVEL_ORDER[: len(COLUMNS[0])] == COLUMNS[0]


def test_the_script_names_levels_by_the_domain_s_columns() -> None:
    script = READING_SCRIPT.read_text(encoding="utf-8")
    upwards = re.search(r"UPWARDS = \[(.*?)\]", script)
    starts = re.findall(r"\[((?:\"[^\"]+\", )+)\.\.\.UPWARDS\]", script)
    assert upwards is not None
    listed = [tuple(re.findall(r'"([^"]+)"', start + upwards[1])) for start in starts]
    assert listed == [tuple(column) for column in COLUMNS]


def test_the_page_loads_nothing_from_elsewhere() -> None:
    package = Path(labeling_configs.__file__).parent
    for path in [*package.glob("*.css"), *package.glob("static/*"), *package.glob("*.py")]:
        assert not re.search(r"https?://|url\(|@import", path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize("plane", ["sagittal", "axial"])
def test_a_plane_may_be_given_by_its_code(plane: str) -> None:
    assert reading_config(Plane(plane)) == reading_config(plane)  # type: ignore[arg-type]
