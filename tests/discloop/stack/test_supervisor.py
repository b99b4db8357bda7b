"""The supervisor over real processes: it keeps them running, and leaves none behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from discloop.home import Home
from discloop.stack import state
from discloop.stack.state import StackState
from tests.waiting import free_ports, until

REPOSITORY = Path(__file__).parents[3]


@contextmanager
def tiny_stack(home: Home, ports: list[int]) -> Iterator[subprocess.Popen[str]]:
    home.root.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.discloop.stack.tiny_stack", "up", str(home.root), *map(str, ports)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


def ready_state(home: Home) -> StackState | None:
    stack = state.read(home)
    return stack if stack and stack.ready else None


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids_of(home: Home, stack: StackState, ports: list[int]) -> list[int]:
    services = [service.pid for service in stack.services.values() if service.pid]
    return services + [int((home.root / f"child-{port}").read_text()) for port in ports]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_every_process_and_its_children(tmp_path: Path, number: signal.Signals) -> None:
    home, ports = Home.at(tmp_path / "home"), free_ports(2)
    with tiny_stack(home, ports) as process:
        pids = pids_of(home, until(lambda: ready_state(home), within_s=20, what="both ready"), ports)
        process.send_signal(number)
        _, said = process.communicate(timeout=90)
    assert process.returncode == (143 if number == signal.SIGTERM else 130)
    assert said == ""
    assert [pid for pid in pids if is_alive(pid)] == []
    assert state.read(home) is None
    assert not home.stack_state.exists()


def test_a_killed_service_is_started_again_and_its_trainer_lives_on(tmp_path: Path) -> None:
    home, ports = Home.at(tmp_path / "home"), free_ports(1)
    with tiny_stack(home, ports):
        before = until(lambda: ready_state(home), within_s=20, what="ready")
        service, trainer = pids_of(home, before, ports)
        os.kill(service, signal.SIGKILL)

        def again() -> StackState | None:
            now = ready_state(home)
            return now if now and next(iter(now.services.values())).restarts == 1 else None

        after = until(again, within_s=20, what="ready again")
        assert next(iter(after.services.values())).pid != service
        assert is_alive(trainer)
    until(lambda: not is_alive(trainer), within_s=20, what="the trainer has ended with the stack")


def test_a_service_that_stands_still_at_its_start_is_started_anew(tmp_path: Path) -> None:
    home, ports = Home.at(tmp_path / "home"), free_ports(1)
    home.root.mkdir()
    (home.root / f"hang-{ports[0]}").touch()
    with tiny_stack(home, ports):
        stack = until(lambda: ready_state(home), within_s=60, what="ready at the second start")
    assert [service.restarts for service in stack.services.values()] == [1]


def test_a_killed_supervisor_takes_its_services_along(tmp_path: Path) -> None:
    home, ports = Home.at(tmp_path / "home"), free_ports(2)
    with tiny_stack(home, ports) as process:
        stack = until(lambda: ready_state(home), within_s=20, what="both ready")
        process.kill()
        process.wait(10)
        services = [service.pid for service in stack.services.values() if service.pid]
        until(lambda: not any(map(is_alive, services)), within_s=20, what="the services have ended")
    assert state.read(home) is None
    for port in ports:
        os.kill(int((home.root / f"child-{port}").read_text()), signal.SIGKILL)


def test_a_service_that_never_starts_ends_the_stack_with_one_line(tmp_path: Path) -> None:
    home = Home.at(tmp_path / "home")
    with tiny_stack(home, [0]) as process:
        _, said = process.communicate(timeout=90)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert "Tiny 0 ended 3 times" in said
    assert "expected a secret, found none" in said
    assert str(home.logs / "0.log") in said


def test_a_second_stack_on_the_same_home_is_refused(tmp_path: Path) -> None:
    home, ports = Home.at(tmp_path / "home"), free_ports(2)
    with tiny_stack(home, ports[:1]):
        until(lambda: ready_state(home), within_s=20, what="ready")
        with tiny_stack(home, ports[1:]) as second:
            _, said = second.communicate(timeout=30)
        assert second.returncode == 2
        assert "a stack runs on it already" in said
        assert ready_state(home)
