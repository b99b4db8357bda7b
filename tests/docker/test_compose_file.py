"""The compose file: valid, without a default secret, and in step with the local stack and the images."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from discloop.credentials import Secrets
from discloop.home import Home
from discloop.stack import environment
from discloop.stack.ports import Ports
from tests.docker import compose

GROWN_ONLY = {"DISCLOOP_BEHIND_PROXY", "DISCLOOP_JOBS"}
"""What only several processes need to be told."""
DOCKERFILE = (compose.ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
NEW_SECRETS = compose.ROOT / "docker" / "new-secrets.sh"
LOCAL = {
    "label-studio": environment.label_studio,
    "backend": environment.backend,
    "ml-backend": environment.ml_backend,
}


def new_secrets() -> dict[str, str]:
    made = subprocess.run(["sh", NEW_SECRETS], capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in made.splitlines() if line and not line.startswith("#"))


def required() -> set[str]:
    return {match["name"] for match in compose.VARIABLE.finditer(compose.FILE.read_text(encoding="utf-8"))}


def test_it_keeps_the_published_schema() -> None:
    schema = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    described = json.loads(schema.read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(described)(described).validate(compose.raw())


def test_no_variable_has_a_default_and_none_is_optional() -> None:
    matches = list(compose.VARIABLE.finditer(compose.FILE.read_text(encoding="utf-8")))
    assert [match.group() for match in matches if not match["rest"].startswith(":?")] == []


def test_no_secret_stands_in_the_file() -> None:
    secret = re.compile("SECRET|PASSWORD|TOKEN|ASSERTION_KEY")
    written = [
        (name, key)
        for name, service in compose.raw()["services"].items()
        for key, value in service.get("environment", {}).items()
        if secret.search(key) and not str(value).startswith("${")
    ]
    assert written == []


def test_the_generator_makes_every_variable_anew() -> None:
    first, second = new_secrets(), new_secrets()
    assert set(first) == required()
    assert {name for name in first if first[name] == second[name]} == {
        "LABEL_STUDIO_PUBLIC_URL",
        "DISCLOOP_PUBLIC_URL",
    }


@pytest.mark.parametrize("missing", sorted(required()))
def test_a_missing_variable_stops_it(missing: str) -> None:
    variables = {name: value for name, value in new_secrets().items() if name != missing}
    with pytest.raises(compose.MissingVariable, match=missing):
        compose.interpolate(compose.raw()["services"], variables)


@pytest.mark.parametrize("name", LOCAL)
def test_a_service_is_told_what_the_local_one_is_told(name: str, tmp_path: Path) -> None:
    local = LOCAL[name](Home.at(tmp_path), Ports(), Secrets.generate())
    composed = compose.service(name, new_secrets()).environment
    ours = {key for key in local if key.startswith("DISCLOOP_")}
    assert {key for key in composed if key.startswith("DISCLOOP_")} - GROWN_ONLY == ours


def test_every_image_is_a_target_of_the_dockerfile() -> None:
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE))
    built = [
        service["build"]["target"] for service in compose.raw()["services"].values() if "build" in service
    ]
    assert built
    assert set(built) <= targets


def test_everything_that_is_copied_or_mounted_exists() -> None:
    copied = [
        path for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]
    ]
    services: dict[str, dict[str, Any]] = compose.raw()["services"]
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./docker/")
    ]
    assert mounted
    assert [path for path in (*copied, *mounted) if not (compose.ROOT / path).exists()] == []
    ignored = (compose.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {path.split("/")[0] for path in copied} <= {line[1:] for line in ignored if line.startswith("!")}


def test_only_the_proxy_is_reachable_from_outside() -> None:
    services = compose.raw()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert compose.raw()["networks"]["inside"] == {"internal": True}
    assert [name for name, service in services.items() if "outside" in service["networks"]] == ["proxy"]


def test_training_is_led_where_the_gpu_is_and_nowhere_else() -> None:
    services = compose.raw()["services"]
    led = {name: services[name]["environment"]["DISCLOOP_JOBS"] for name in ("backend", "trainer")}
    assert led == {"backend": "-rounds", "trainer": "rounds"}
    assert [name for name, service in services.items() if "deploy" in service] == ["trainer"]


def test_the_store_is_read_only_where_people_come_in() -> None:
    for name in ("label-studio", "backend", "ml-backend"):
        assert "store:/data/store:ro" in compose.raw()["services"][name]["volumes"]
