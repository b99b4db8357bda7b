"""Labelling configurations: Label Studio XML for a plane, in a language. Codes stand in `alias`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from xml.etree import ElementTree as ET

from domain.taxonomy import Plane
from labeling_configs import controls
from labeling_configs.controls import BOX_CONTROLS, UNIT_CONTROLS, Kind
from labeling_configs.words import WORDS, Language, Words

COLOURS = {Kind.DISC: "#3aa0ff", Kind.HERNIATION: "#ff6b4a", Kind.HIZ: "#ffd21f"}
LOCKED_COLOURS = {"reader_1": "#8ad17c", "reader_2": "#d78bff"}

LEVEL_ORDER = ("L5/S1", "L4/5", "L3/4", "L2/3", "L1/2", "T12/L1", "T11/12", "L5/6", "L6/S1", "S1/2")
"""As a reader meets them from the lowest disc up, the transitional ones last."""

KEYS: Mapping[str, Mapping[str, str]] = {
    "finding": {"disc": "d", "herniation": "f", "hiz": "g"},
    "pfirrmann": {grade: grade for grade in "12345"},
    "not_gradable": {"artefact": "6", "cut": "7", "operated": "8", "other": "9"},
    "level": {
        "T11/12": "shift+6",
        "T12/L1": "shift+t",
        "L1/2": "shift+5",
        "L2/3": "shift+3",
        "L3/4": "t",
        "L4/5": "a",
        "L5/S1": "s",
        "L5/6": "shift+a",
        "L6/S1": "shift+s",
        "S1/2": "shift+d",
    },
    "herniation_type": {"protrusion": "z", "extrusion": "x", "sequestration": "c", "indeterminate": "i"},
    "hiz_side": {"anterior": "o", "posterior": "p"},
    "quality": {"good": "shift+g", "limited": "shift+l", "unreadable": "shift+u"},
    "transitional": {"transitional": "shift+v"},
    "numbering": {"assumed": "shift+w", "whole-spine": "shift+e"},
    "verdict": {"present": "y", "absent": "n"},
    "reason": {"criterion": "q", "boundary": "w", "level": "e", "artefact": "j", "missed": "k", "other": "l"},
    "unit_reason": {
        "criterion": "shift+q",
        "boundary": "shift+z",
        "level": "shift+x",
        "artefact": "shift+c",
        "missed": "shift+n",
        "other": "shift+m",
    },
}
"""Every choice has a key of its own: Label Studio gives left-over keys to choices without one."""


def reading_config(plane: Plane, language: Language = "en") -> str:
    """The configuration of a reading project.

    Args:
        plane: Sagittal asks for grades; axial shows the scout beside the stack and asks for none.
        language: Of the words shown; what is stored does not depend on it.
    """
    plane, words = Plane(plane), WORDS[language]
    view, panel = _page(plane, words)
    _findings(panel, words)
    for name in ("pfirrmann", "not_gradable", "level", "herniation_type", "hiz_side"):
        _box_choices(panel, name, plane, words)
    _unit_questions(panel, plane, words)
    _guide(panel, plane, words)
    return _text(view)


def adjudication_config(plane: Plane, language: Language = "en") -> str:
    """The configuration of an adjudication project: both readings locked, the final findings to decide."""
    plane, words = Plane(plane), WORDS[language]
    view, panel = _page(plane, words)
    _findings(panel, words)
    for name in ("pfirrmann", "not_gradable", "level", "herniation_type", "hiz_side", "verdict", "reason"):
        _box_choices(panel, name, plane, words)
    table = ET.SubElement(panel, "View", className="dl-table")
    ET.SubElement(table, "HyperText", name="table", value="$table", inline="true")
    unit = ET.SubElement(panel, "View", className="dl-unit")
    _unit_choices(unit, "unit_reason", words)
    _unit_questions(unit, plane, words)
    locked = ET.SubElement(panel, "View", className="dl-locked")
    for name in controls.LOCKED:
        _labels(locked, name, words, dict.fromkeys(Kind, LOCKED_COLOURS[name]), keys=False)
    return _text(view)


def _page(plane: Plane, words: Words) -> tuple[ET.Element, ET.Element]:
    view = ET.Element("View", className=f"dl dl-{plane}")
    ET.SubElement(view, "Style").text = files("labeling_configs").joinpath("page.css").read_text("utf-8")
    if plane is Plane.AXIAL:
        scout = ET.SubElement(view, "View", className="dl-scout")
        _image(scout, controls.SCOUT, value="$scout", zoomControl="false", selectionControl="false")
    stack = ET.SubElement(view, "View", className="dl-stack")
    tools = {"zoomControl": "true", "brightnessControl": "true", "contrastControl": "true"}
    _image(stack, controls.IMAGE, valueList="$slices", **tools)
    return view, ET.SubElement(view, "View", className="dl-panel")


def _image(parent: ET.Element, name: str, **attributes: str) -> None:
    shown = {"zoom": "true", "smoothing": "true"}
    ET.SubElement(parent, "Image", {"name": name, **shown, "maxHeight": "calc(100vh - 146px)", **attributes})


def _findings(panel: ET.Element, words: Words) -> None:
    _labels(panel, controls.FINDING, words, COLOURS, keys=True)


def _labels(parent: ET.Element, name: str, words: Words, colours: Mapping[Kind, str], *, keys: bool) -> None:
    attributes = {
        "name": name,
        "toName": controls.IMAGE,
        "strokeWidth": "2",
        "opacity": "0.08",
        "canRotate": "false",
    }
    if keys:
        attributes["smart"] = "true"
    group = ET.SubElement(parent, "View", className="dl-draw")
    box = ET.SubElement(group, "RectangleLabels", attributes)
    for kind, colour in colours.items():
        label = {
            "value": words.codes[controls.FINDING][kind],
            "alias": str(kind),
            "background": colour,
            "selectedColor": "#101010",
        }
        if keys:
            label["hotkey"] = KEYS[controls.FINDING][kind]
        ET.SubElement(box, "Label", label)


def _box_choices(panel: ET.Element, name: str, plane: Plane, words: Words) -> None:
    control = BOX_CONTROLS[name]
    if plane not in control.planes:
        return
    kinds = {Kind.DISC} if name == "level" and plane is Plane.SAGITTAL else control.kinds
    heading = "level_axial" if name == "level" and plane is Plane.AXIAL else name
    group = _group(panel, name, words, heading)
    group.set("visibleWhen", "region-selected")
    group.set("whenTagName", controls.FINDING)
    group.set("whenLabelValue", ",".join(sorted(kinds)))
    codes = LEVEL_ORDER if name == "level" else control.codes
    choices = _choices(group, name, words, codes)
    choices.set("perRegion", "true")
    choices.set("whenLabelValue", ",".join(sorted(kinds)))


def _unit_questions(panel: ET.Element, plane: Plane, words: Words) -> None:
    for name in ("quality", "transitional", "numbering"):
        if plane is Plane.SAGITTAL or name == "quality":
            _unit_choices(panel, name, words)
    group = ET.SubElement(panel, "View", className="dl-group dl-comment")
    ET.SubElement(
        group,
        "TextArea",
        name=controls.COMMENT,
        toName=controls.IMAGE,
        placeholder=words.headings["comment"],
        rows="1",
        maxSubmissions="1",
        editable="true",
    )


def _unit_choices(panel: ET.Element, name: str, words: Words) -> None:
    group = _group(panel, name, words)
    _choices(group, name, words, UNIT_CONTROLS[name])


def _group(panel: ET.Element, name: str, words: Words, heading: str | None = None) -> ET.Element:
    group = ET.SubElement(panel, "View", className=f"dl-group dl-{name.replace('_', '-')}")
    ET.SubElement(group, "Header", value=words.headings[heading or name], size="6")
    return group


def _choices(parent: ET.Element, name: str, words: Words, codes: tuple[str, ...]) -> ET.Element:
    choices = ET.SubElement(
        parent, "Choices", name=name, toName=controls.IMAGE, choice="single", layout="inline"
    )
    shared = "reason" if name == "unit_reason" else name
    hints = words.hints.get(shared, {})
    for code in codes:
        choice = {"value": words.codes[shared][code], "alias": str(code), "hotkey": KEYS[name][code]}
        if code in hints:
            choice["hint"] = hints[code]
        ET.SubElement(choices, "Choice", choice)
    return choices


def _guide(panel: ET.Element, plane: Plane, words: Words) -> None:
    group = ET.SubElement(panel, "View", className="dl-guide")
    texts = words.guide if plane is Plane.SAGITTAL else words.guide[1:]
    ET.SubElement(group, "Markdown", value="\n\n".join(f"**{heading}.** {text}" for heading, text in texts))


def _text(view: ET.Element) -> str:
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"
