"""The guides say what is: every setting with its default, commands with their options, metrics, pictures."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import backend.settings
import ml_backend.settings
from discloop import cli
from domain.environment import PREFIX, SERVICES
from label_studio_guard.configuration import Configuration
from labeling_configs.words import WORDS

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))
OPERATOR = (ROOT / "docs" / "guide" / "operator.md").read_text(encoding="utf-8")
READ_BY: dict[str, type[BaseModel]] = {
    "backend": backend.settings.Settings,
    "ML backend": ml_backend.settings.Settings,
    "guard": Configuration,
}
IN_WORDS = ("bundled", "see `", "all cores", "required; ML backend")


def rows() -> dict[str, tuple[str, str]]:
    """Of the table of settings: default and who reads it."""
    found = re.findall(r"^\| `(DISCLOOP_\w+)` \| (.+?) \| (.+?) \| .+ \|$", OPERATOR, re.MULTILINE)
    return {name: (default, readers) for name, default, readers in found}


def fields(service: str) -> dict[str, FieldInfo]:
    return {f"DISCLOOP_{name.upper()}": field for name, field in READ_BY[service].model_fields.items()}


def test_every_setting_is_in_the_table_with_who_reads_it() -> None:
    told = rows()
    assert set(told) == {name for service in READ_BY for name in fields(service)}
    assert set(told) == {PREFIX + name for name in SERVICES}
    for name, (_, readers) in told.items():
        reading = [service for service in READ_BY if name in fields(service)]
        named = list(READ_BY) if readers == "all" else [part.strip() for part in readers.split(",")]
        assert sorted(named) == sorted(reading), name


@pytest.mark.parametrize("service", READ_BY)
def test_every_default_is_the_one_that_holds(service: str) -> None:
    told = rows()
    for name, field in fields(service).items():
        default, _ = told[name]
        if default.startswith(IN_WORDS):
            continue
        is_required = field.default is PydanticUndefined and field.default_factory is None
        assert default.startswith("required") == is_required, name
        assert ("secret" in default) == ("SecretStr" in str(field.annotation)), name
        if not is_required:
            held = getattr(field.default, "value", field.default)
            assert default == ("none" if held is None else str(held)), name


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_commands_of_the_guides_exist_with_their_options(
    guide: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    blocks = re.findall(r"```(?:console|sh)\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    for line in "\n".join(blocks).splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != [".venv/bin/discloop"]:
            continue
        name, *rest = words[1:]
        depth = [name, rest[0]] if name in ("people", "calibrate", "worklists", "round", "audit") else [name]
        assert cli.run([*depth, "--help"]) == 0
        shown = capsys.readouterr().out
        assert [word for word in rest if word.startswith("--") and word not in shown] == [], line


def test_alerts_name_metrics_that_exist() -> None:
    source = (ROOT / "backend" / "gauges.py").read_text(encoding="utf-8")
    named = set(re.findall(r"discloop_[a-z_]+", OPERATOR.split("## Logs")[1]))
    assert len(named) >= 6
    assert [name for name in named if f'"{name}"' not in source] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_link_and_picture_is_there(guide: Path) -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", guide.read_text(encoding="utf-8"))
    assert [one for one in linked if "://" not in one and not (guide.parent / one).exists()] == []


def test_the_threat_model_names_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "guide" / "threats.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/.]+)`", text)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_chinese_guide_names_the_same_keys_and_pictures() -> None:
    english, chinese = (
        (ROOT / "docs" / "guide" / name).read_text() for name in ("reader.md", "reader.zh.md")
    )
    for what in (r"`([^`]{1,2})`", r"\]\((\.\./pictures/[^)]+)\)", r"Ctrl\+\w+"):
        assert sorted(set(re.findall(what, chinese))) == sorted(set(re.findall(what, english)))
    words = [
        word
        for name in ("herniation_type", "not_gradable", "reason", "verdict")
        for word in WORDS["zh"].codes[name].values()
    ]
    assert [word for word in words if word not in chinese] == []
