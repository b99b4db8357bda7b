"""Facts that hold the repository together: environments, locks, layout, what may not be committed."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {".venv": "requirements/venv.txt", ".venv-ls": "requirements/venv-ls.txt"}
LARGEST_BYTES = 15_000_000
# In parts, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile("(?<![A-Za-z0-9_.-])/" + "(work|root|home)" + "/(?!\\.ssh)[a-z]")
REGISTRY = re.compile(
    "|".join(("pypi" + r"\.org", "python" + r"hosted\.org", "deb" + r"ian\.org", "npm" + r"js\."))
)
PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*" + "PRIVATE KEY")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    content = file.read_bytes()
    return "" if b"\0" in content[:8192] else content.decode("utf-8", errors="replace")


def owners(environment: str, path: str) -> list[str]:
    records = (ROOT / environment).glob("lib/python3*/site-packages/*.dist-info/RECORD")
    return [
        record.parent.name for record in records if f"\n{path}," in "\n" + record.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("environment", LOCKS)
def test_opencv_has_one_owner_and_it_is_the_headless_one(environment: str) -> None:
    assert [owner.split("-")[0] for owner in owners(environment, "cv2/__init__.py")] == [
        "opencv_python_headless"
    ]


@pytest.mark.parametrize("lock", LOCKS.values())
def test_tracked_locks_hold_versions_and_no_addresses(lock: str) -> None:
    lines = [
        line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert [
        line for line in lines if not re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ; .*)?$", line)
    ] == []


@pytest.mark.parametrize(("environment", "lock"), LOCKS.items())
def test_the_environment_is_what_its_lock_says(environment: str, lock: str) -> None:
    site = next((ROOT / environment).glob("lib/python3*/site-packages"))
    installed = {
        re.sub(r"[-_.]+", "-", found.stem.rsplit("-", 1)[0]).lower(): found.stem.rsplit("-", 1)[1]
        for found in site.glob("*.dist-info")
    }
    pinned: dict[str, set[str]] = {}
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        if "==" in line:
            name, version = line.split(" ;")[0].split("==")
            pinned.setdefault(name, set()).add(version)
    wrong = {
        name: installed[name] for name in pinned.keys() & installed if installed[name] not in pinned[name]
    }
    assert wrong == {}
    assert set(installed) - set(pinned) - {"pip", "setuptools", "discloop"} == set()


def test_every_package_is_built_typed_checked_and_layered() -> None:
    packages = set(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert packages == set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert packages == set(PROJECT["tool"]["mypy"]["packages"]) - {"tests", "benchmarks"}
    layers = " | ".join(PROJECT["tool"]["importlinter"]["contracts"][0]["layers"])
    assert packages == set(layers.split(" | "))
    assert [name for name in packages if not (ROOT / name / "py.typed").exists()] == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {file.parent for file in (ROOT / "tests").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_tracked_files_are_small_and_hold_no_patient_key_or_image_series() -> None:
    files = tracked_files()
    assert [str(f) for f in files if f.stat().st_size > LARGEST_BYTES] == []
    assert [
        str(f) for f in files if f.suffix.lower() in {".dcm", ".nii", ".mha", ".npz", ".pem", ".key"}
    ] == []
    assert [str(f) for f in files if PRIVATE_KEY.search(text_of(f))] == []


def test_tracked_files_name_no_registry_and_no_path_of_a_machine() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in tracked_files()
        for match in (*MACHINE_PATH.finditer(text_of(file)), *REGISTRY.finditer(text_of(file)))
    ]
    assert found == []


def test_every_decision_names_the_check_that_enforces_it() -> None:
    silent = []
    for record in sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md")):
        named = re.findall(
            r"(?:tests|benchmarks)/[\w./-]+|make \w+|lint-imports", record.read_text(encoding="utf-8")
        )
        paths = [name.rstrip("./") for name in named if "/" in name]
        if not named or [path for path in paths if not (ROOT / path).exists()]:
            silent.append(record.name)
    assert silent == []
