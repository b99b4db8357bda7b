"""The guard starts with what it needs, or says in one line what is missing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from domain.errors import DiscLoopError
from label_studio_guard.configuration import Configuration
from tests.label_studio import PYTHON, ROOT, prepared_label_studio

GOOD = {
    "DISCLOOP_GUARD_SECRET": "0123456789abcdef0123",
    "DISCLOOP_ASSERTION_KEY": "123456789abcdef01234",
    "DISCLOOP_SERVICE_TOKEN": "23456789abcdef012345",
    "DISCLOOP_STORE": "/store",
    "DISCLOOP_KEYS": "/keys",
    "DISCLOOP_BACKEND_CALLBACK": "http://127.0.0.1:8081/auth/callback",
}


def test_everything_is_read() -> None:
    read = Configuration.from_environment(GOOD | {"PATH": "/bin"})
    assert read.store == Path("/store")
    assert read.language == "en"
    assert Configuration.from_environment(GOOD | {"DISCLOOP_LANGUAGE": "zh"}).language == "zh"
    assert read.guard_secret.get_secret_value() == GOOD["DISCLOOP_GUARD_SECRET"]
    assert GOOD["DISCLOOP_GUARD_SECRET"] not in repr(read)


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(name: str) -> None:
    given = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(DiscLoopError, match=name):
        Configuration.from_environment(given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DISCLOOP_GUARD_SECRET", "short"),
        ("DISCLOOP_GUARD_SECRET", ""),
        ("DISCLOOP_ASSERTION_KEY", "changeme-changeme-changeme"),
        ("DISCLOOP_SERVICE_TOKEN", "secret-secret-secret-secret"),
        ("DISCLOOP_BACKEND_CALLBACK", "javascript:alert(1)"),
        ("DISCLOOP_LANGUAGE", "klingon"),
    ],
)
def test_a_placeholder_is_refused_and_not_repeated(name: str, value: str) -> None:
    with pytest.raises(DiscLoopError, match=name) as refused:
        Configuration.from_environment(GOOD | {name: value})
    assert not value or value not in str(refused.value)


def test_a_name_that_nobody_reads_is_refused() -> None:
    with pytest.raises(DiscLoopError, match="DISCLOOP_GARD_SECRET: no such setting, DISCLOOP_GUARD_SECRET"):
        Configuration.from_environment(GOOD | {"DISCLOOP_GARD_SECRET": "x"})


@pytest.mark.label_studio
def test_a_server_without_a_secret_does_not_start(tmp_path: Path) -> None:
    environment = dict(prepared_label_studio(tmp_path).environment)
    del environment["DISCLOOP_GUARD_SECRET"]
    done = start(environment)
    assert done.returncode == 2
    assert done.stderr.startswith("label_studio_guard: the guard cannot start: DISCLOOP_GUARD_SECRET: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.label_studio
def test_an_untested_label_studio_is_refused(tmp_path: Path) -> None:
    """A folder earlier on the path says that another version is installed."""
    other = tmp_path / "other" / "label_studio-1.24.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: label-studio\nVersion: 1.24.0\n")
    environment = dict(prepared_label_studio(tmp_path).environment) | {"PYTHONPATH": str(other.parent)}
    done = start(environment)
    assert done.returncode == 2
    assert "1.23.2" in done.stderr
    assert "1.24.0" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Try to start a server that is expected not to."""
    return subprocess.run(
        [str(PYTHON), "-m", "label_studio_guard.serve", "--port", "1"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
