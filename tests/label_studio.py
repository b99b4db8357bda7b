"""A real guarded Label Studio for tests: its own folder, a free port, a few seconds to start.

with running_label_studio(tmp_path) as label_studio:
    label_studio.put_projection(people=[reader("p-00000001")], projects=[])
    label_studio.set_password("p-00000001", PASSWORD)
    browser = label_studio.sign_in("p-00000001@discloop.example", PASSWORD)
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-ls" / "bin" / "python"
PASSWORD = "correct-horse-battery-1"
START_S = 120.0
SIMPLE_CONFIG = (
    '<View><Image name="image" value="$image"/>'
    '<RectangleLabels name="finding" toName="image"><Label value="disc"/></RectangleLabels></View>'
)


def reader(person: str, *, role: str = "reader", active: bool = True) -> dict[str, Any]:
    """A person of the projection; the email is `<id>@discloop.example`."""
    email = f"{person}@discloop.example"
    return {"id": person, "email": email, "name": f"Person {person}", "role": role, "active": active}


def project_of(
    person: str,
    *,
    plane: str = "sagittal",
    kind: str = "reading",
    label_config: str = SIMPLE_CONFIG,
    active: bool = True,
) -> dict[str, Any]:
    """A person's own project of the projection."""
    key = f"{kind}-{person}-{plane}"
    return {
        "key": key,
        "title": f"{kind} {plane} {person}",
        "kind": kind,
        "plane": plane,
        "member": person,
        "label_config": label_config,
        "active": active,
    }


@dataclass
class LabelStudio:
    """A running server and the ways to talk to it."""

    url: str
    folder: Path
    secret: str
    assertion_key: str
    service_token: str
    callback: str
    store: Path
    keys: Path
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    version: int = 0
    projects: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """A client nobody signed in with, sending these headers."""
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def control(self) -> httpx.Client:
        """A client of the guard's control API."""
        return self.client({"Authorization": f"DiscLoop {self.secret}"})

    def service(self) -> httpx.Client:
        """A client with the service account's token."""
        return self.client({"Authorization": f"Token {self.service_token}"})

    def put_projection(
        self,
        *,
        people: Iterable[Mapping[str, Any]],
        projects: Iterable[Mapping[str, Any]],
        version: int | None = None,
        valid_for_s: float = 3600,
    ) -> dict[str, Any]:
        """Replace people and projects; remembers Label Studio's numbers in `users` and `projects`."""
        self.version = self.version + 1 if version is None else version
        body = {
            "version": self.version,
            "valid_for_s": valid_for_s,
            "people": list(people),
            "projects": list(projects),
        }
        with self.control() as client:
            answer = client.put("/discloop/control/projection", json=body)
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        self.users, self.projects = answered["people"], answered["projects"]
        return answered

    def set_password(self, person: str, password: str = PASSWORD, *, final: bool = True) -> None:
        """Set somebody's password; ends their sessions."""
        body = {"password": password, "final": final}
        with self.control() as client:
            answer = client.post(f"/discloop/control/people/{person}/password", json=body)
        assert answer.status_code == 204, answer.text

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Client:
        """A client with the session of somebody who used the sign-in page."""
        with self.client() as client:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/user/login/").text)
            assert token is not None, "the sign-in page has no form"
            form = {"email": email, "password": password, "csrfmiddlewaretoken": token[1]}
            answer = client.post("/user/login/", data=form, headers={"Origin": self.url})
            assert answer.status_code == 302, f"sign-in answered {answer.status_code}"
            cookies = client.cookies
        signed_in = self.client()
        signed_in.cookies.update(cookies)
        return signed_in

    def import_tasks(self, project: int, tasks: list[dict[str, Any]]) -> list[int]:
        """Import tasks (`{"data": ..., "predictions": ...}`) as the service account; their numbers."""
        with self.service() as client:
            answer = client.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks)
        assert answer.status_code == 201, answer.text
        numbers: list[int] = answer.json()["task_ids"]
        return numbers

    def outbox(self, after: int = 0) -> list[dict[str, Any]]:
        """All outbox entries above a cursor."""
        entries: list[dict[str, Any]] = []
        with self.control() as client:
            while True:
                cursor = entries[-1]["id"] if entries else after
                answer = client.get("/discloop/control/outbox", params={"after": cursor, "limit": 500})
                assert answer.status_code == 200, answer.text
                page = answer.json()["entries"]
                entries.extend(page)
                if not page:
                    return entries

    def database(self) -> sqlite3.Connection:
        """Its SQLite database, to look into it, or to let time pass in it."""
        folder = Path(self.environment["LABEL_STUDIO_BASE_DATA_DIR"])
        return sqlite3.connect(folder / "label_studio.sqlite3", timeout=60)

    def start(self) -> None:
        """Start the server over its folder and wait until it answers."""
        port = self.url.rsplit(":", 1)[1]
        command = [str(PYTHON), "-m", "label_studio_guard.serve", "--port", port]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(self.environment), stdout=log, stderr=log, start_new_session=True
            )
        wait_until(self._answers, START_S, self._why_not)

    def kill(self) -> None:
        """End the server and its workers at once, as a power cut would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the server to end, and wait for it; its exit code."""
        return self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        if process.poll() is None:
            if number is signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
        return process.wait(timeout=60)

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(self._why_not())
        try:
            with httpx.Client(trust_env=False) as client:
                return client.get(f"{self.url}/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def _why_not(self) -> str:
        return "Label Studio did not start:\n" + self.log.read_text(errors="replace")[-4000:]


@contextmanager
def running_label_studio(folder: Path, *, env: Mapping[str, str] | None = None) -> Iterator[LabelStudio]:
    """A guarded Label Studio over a folder, stopped at the end.

    Args:
        folder: Gets `label-studio/`, `store/`, `keys/` and `label-studio.log`.
        env: Further environment variables, or other values for those set here.
    """
    label_studio = prepared_label_studio(folder, env=env)
    label_studio.start()
    try:
        yield label_studio
    finally:
        label_studio.stop()


def prepared_label_studio(folder: Path, *, env: Mapping[str, str] | None = None) -> LabelStudio:
    """A Label Studio with its folder made but not started."""
    url = f"http://127.0.0.1:{free_port()}"
    data, store, keys = (folder / name for name in ("label-studio", "store", "keys"))
    for path in (store, keys):
        path.mkdir(parents=True, exist_ok=True)
    environment = {
        **base_environment(),
        "DISCLOOP_GUARD_SECRET": secrets.token_hex(20),
        "DISCLOOP_ASSERTION_KEY": secrets.token_hex(20),
        "DISCLOOP_SERVICE_TOKEN": secrets.token_hex(20),
        "DISCLOOP_STORE": str(store),
        "DISCLOOP_KEYS": str(keys),
        "DISCLOOP_BACKEND_CALLBACK": f"http://127.0.0.1:{free_port()}/auth/callback",
        "LABEL_STUDIO_BASE_DATA_DIR": str(data),
        "LABEL_STUDIO_HOST": url,
        **(env or {}),
    }
    if "DJANGO_DB" not in environment and not data.exists():
        shutil.copytree(migrated_template(), data)
    data.mkdir(parents=True, exist_ok=True)
    return LabelStudio(
        url=url,
        folder=folder,
        secret=environment["DISCLOOP_GUARD_SECRET"],
        assertion_key=environment["DISCLOOP_ASSERTION_KEY"],
        service_token=environment["DISCLOOP_SERVICE_TOKEN"],
        callback=environment["DISCLOOP_BACKEND_CALLBACK"],
        store=store,
        keys=keys,
        log=folder / "label-studio.log",
        environment=environment,
    )


def base_environment() -> dict[str, str]:
    """The environment a server starts in: nothing of the caller's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"DJANGO_SETTINGS_MODULE": "label_studio_guard.settings", "PYTHONUNBUFFERED": "1"}


def migrated_template() -> Path:
    """A folder with an empty, migrated database: made once a machine and version, in half a minute."""
    cache = Path(tempfile.gettempdir()) / f"discloop-tests-{os.getuid()}"
    cache.mkdir(mode=0o700, exist_ok=True)
    template = cache / f"label-studio-{_schema()}"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            _make_template(template)
    return template


def _make_template(template: Path) -> None:
    making = template.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    environment = base_environment() | {
        "DISCLOOP_GUARD_SECRET": secrets.token_hex(20),
        "DISCLOOP_ASSERTION_KEY": secrets.token_hex(20),
        "DISCLOOP_SERVICE_TOKEN": secrets.token_hex(20),
        "DISCLOOP_STORE": str(making),
        "DISCLOOP_KEYS": str(making),
        "DISCLOOP_BACKEND_CALLBACK": "http://127.0.0.1:1/auth/callback",
        "LABEL_STUDIO_BASE_DATA_DIR": str(making),
    }
    command = [str(PYTHON), "-m", "label_studio_guard.serve", "--port", "1", "--migrate-only"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (making / ".env").unlink(missing_ok=True)
    making.rename(template)


def _schema() -> str:
    """Changes whenever the database a start would make changes."""
    package = ROOT / "label_studio_guard"
    sources = [
        *sorted((package / "migrations").glob("*.py")),
        package / "__init__.py",
        package / "accounts.py",
    ]
    text = b"".join(path.read_bytes() for path in sources) + sys.version.encode()
    return hashlib.sha256(text).hexdigest()[:16]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(holds: Callable[[], bool], seconds: float, why_not: Callable[[], str]) -> None:
    """Poll until a state holds; fail with the reason when it has not after so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(why_not())
        time.sleep(0.05)
