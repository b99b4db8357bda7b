"""Each thing that can be wrong is found, named, and has its cure."""

from __future__ import annotations

import hashlib
import json
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from discloop import cli
from discloop.commands.doctor import examine
from discloop.doctor.findings import Finding, State
from discloop.doctor.folder import file_system_of
from discloop.doctor.installation import _one_owner, label_studio_version
from discloop.doctor.stack import guard, listening_beyond_loopback
from discloop.home import Home
from discloop.stack.ports import Ports
from tests.discloop.backup.homes import make_home
from tests.waiting import free_ports


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_home(tmp_path_factory.mktemp("template") / "home")
    digest = hashlib.sha256((home.weights / "m-1" / "weights.pt").read_bytes()).hexdigest()
    (home.weights / "m-1" / "model.json").write_text(json.dumps({"sha256": digest}))
    return home.root


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Home:
    return Home(shutil.copytree(template, tmp_path / "home"))


def wrong(home: Home, ports: Ports | None = None) -> list[Finding]:
    """Everything that is a problem."""
    found = examine(home, ports or Ports(*free_ports(3)))
    return [one for one in found if one.state is State.PROBLEM]


def test_a_sound_home_has_no_problem(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert wrong(home) == []
    a, b, c = map(str, free_ports(3))
    ports = ["--port-label-studio", a, "--port-backend", b, "--port-ml", c]
    assert cli.run(["doctor", "--home", str(home.root), *ports, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    checks = [one["check"] for one in said["findings"]]
    assert said["healthy"]
    for check in (
        "cv2",
        "cv2-label-studio",
        "label-studio-version",
        "disk",
        "secrets",
        "clock",
        "weights m-1",
    ):
        assert check in checks


def _read_by_all(home: Home) -> None:
    home.root.chmod(0o755)


def _secrets_read_by_all(home: Home) -> None:
    home.secrets.chmod(0o644)


def _other_weights(home: Home) -> None:
    (home.weights / "m-1" / "weights.pt").write_bytes(b"others")


def _no_model(home: Home) -> None:
    (home.weights / "m-1" / "model.json").write_text("{")


def _damage(home: Home) -> None:
    file = home.backend / "backend.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(file.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    file.write_bytes(content)


def _clock_set_back(home: Home) -> None:
    with closing(sqlite3.connect(home.backend / "backend.sqlite3")) as database, database:
        database.execute(
            "INSERT INTO audit_entry (at, actor, action, subject, details, previous, hash) "
            "VALUES ('2999-01-01 00:00:00', 'system', 'a', 's', '{}', 'x', 'y')"
        )


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (_read_by_all, "rights"),
        (_secrets_read_by_all, "secrets"),
        (_other_weights, "weights m-1"),
        (_no_model, "weights m-1"),
        (_damage, "database backend.sqlite3"),
        (_clock_set_back, "clock"),
    ],
)
def test_each_harm_is_found_with_its_cure(home: Home, harm: Callable[[Home], None], check: str) -> None:
    harm(home)
    found = wrong(home)
    assert check in {one.check for one in found}
    assert all(one.cure for one in found)


def test_a_taken_port_is_named_with_its_option(home: Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        other, another = free_ports(2)
        (found,) = wrong(home, Ports(other, another, taken.getsockname()[1]))
    assert found.check == "ports"
    assert "--port-ml" in found.found


def test_no_home_is_a_problem_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--home", str(tmp_path / "nothing")]) == 1
    assert "no such folder" in capsys.readouterr().out


def test_two_owners_of_cv2_are_found() -> None:
    assert _one_owner("cv2", ".venv", ["opencv-python-headless"]).state is State.OK
    both = _one_owner("cv2", ".venv", ["opencv-python", "opencv-python-headless"])
    assert both.state is State.PROBLEM
    assert "both own cv2/" in both.found


def test_another_label_studio_is_refused_with_what_to_do() -> None:
    found = label_studio_version("1.99.0")
    assert found.state is State.PROBLEM
    assert "label-studio==" in str(found.cure)


def test_a_network_file_system_is_told_from_a_disk() -> None:
    mounts = "/dev/a / ext4 rw 0 0\nfiler:/x /srv nfs4 rw 0 0\n/dev/b /srv/local\\040disk xfs rw 0 0\n"
    for folder, kind in {"/var/a": "ext4", "/srv/a": "nfs4", "/srv/local disk/a": "xfs"}.items():
        assert file_system_of(Path(folder), mounts) == kind


def test_what_other_machines_can_reach_is_told_from_the_loopback_address() -> None:
    table = (
        "  sl  local_address rem_address   st\n"
        "   0: 0100007F:1F90 00000000:0000 0A 0\n"
        "   1: 00000000:1F91 00000000:0000 0A 0\n"
        "   2: 0500A8C0:1F92 00000000:0000 01 0\n"
        "   3: 00000000000000000000000000000000:2382 00000000000000000000000000000000:0000 0A 0\n"
    )
    assert listening_beyond_loopback(table) == {0x1F91, 0x2382}


class Unguarded(BaseHTTPRequestHandler):
    """Answers as a Label Studio that nobody guards: to everybody."""

    refuses: frozenset[str] = frozenset()

    def do_GET(self) -> None:
        self.send_response(403 if self.path in self.refuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to log."""


@pytest.fixture
def serve() -> Iterator[Callable[[frozenset[str]], str]]:
    """Start a server that refuses these paths; its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(refuses: frozenset[str]) -> str:
        handler = type("Handler", (Unguarded,), {"refuses": refuses})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


CANARIES = frozenset({"/admin/login/", "/user/signup/", "/docs/api/", "/metrics"})


@pytest.mark.parametrize(
    ("refuses", "said"),
    [
        (frozenset(), "no guard stands before"),
        (CANARIES, "open to the service account"),
        (CANARIES | {"/api/users/", "/api/projects/"}, "its refusals prove nothing"),
    ],
)
def test_a_canary_tells_a_missing_guard(
    serve: Callable[[frozenset[str]], str], refuses: frozenset[str], said: str
) -> None:
    with httpx.Client(trust_env=False) as client:
        found = guard(client, serve(refuses), "t")
    assert found.state is State.PROBLEM
    assert said in found.found


def test_a_guard_passes(serve: Callable[[frozenset[str]], str]) -> None:
    with httpx.Client(trust_env=False) as client:
        assert guard(client, serve(CANARIES | {"/api/users/"}), "t").state is State.OK
