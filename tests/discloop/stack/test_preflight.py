"""What stops a start says so in one line."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from discloop import cli
from discloop.home import Home
from discloop.stack import preflight
from discloop.stack.ports import Ports
from domain.errors import DiscLoopError
from tests.waiting import free_ports


def test_a_port_in_use_is_named_with_its_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    label_studio, backend = free_ports(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ml = taken.getsockname()[1]
        options = ["--port-label-studio", label_studio, "--port-backend", backend, "--port-ml", ml]
        assert cli.run(["up", "--home", str(tmp_path / "home"), *map(str, options)]) == 2
    said = capsys.readouterr().err
    assert said == (f"discloop: port {ml} is in use: stop what uses it, or choose another with --port-ml\n")


def test_one_port_for_two_services_is_refused() -> None:
    with pytest.raises(DiscLoopError, match="three different ports"):
        Ports(label_studio=8080, backend=8080).require_free()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    home.create()
    with pytest.raises(DiscLoopError, match="of free disk, found"):
        preflight.check(home, Ports(*free_ports(3)), needed_bytes=10**18)


def test_a_home_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiscLoopError, match="cannot be made"):
        Home.at(tmp_path / "file" / "home").create()


def test_label_studios_environment_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISCLOOP_LABEL_STUDIO_PYTHON", str(tmp_path / "absent"))
    names = ("--port-label-studio", "--port-backend", "--port-ml")
    ports = [text for name, port in zip(names, free_ports(3), strict=True) for text in (name, str(port))]
    assert cli.run(["up", "--home", str(tmp_path / "home"), *ports]) == 2
    assert "run make setup" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "down"])
def test_without_a_stack_the_commands_say_so(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([command, "--json", "--home", str(tmp_path)]) == (1 if command == "status" else 0)
    assert '"running": false' in (out := capsys.readouterr().out) or '"was_running": false' in out


def test_a_command_that_needs_the_backend_names_what_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["people", "list", "--home", str(tmp_path)]) == 2
    assert "discloop up --home" in capsys.readouterr().err
