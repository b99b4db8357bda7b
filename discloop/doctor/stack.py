"""The running stack: healthy, guarded, and no way around the guard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from discloop import credentials
from discloop.doctor.findings import Finding, ok, problem, warning
from discloop.home import Home
from discloop.stack import probe, processes
from discloop.stack.state import StackState

CANARIES = ("/admin/login/", "/user/signup/", "/docs/api/", "/metrics")
"""A Label Studio without a guard shows these to anybody."""
CLOSED_TO_THE_SERVICE = "/api/users/"
LARGEST_SKEW_SECONDS = 5.0
REFUSED = (401, 403, 404)
TIMEOUT_SECONDS = 10.0
LISTENING = "0A"
LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")


def examine(home: Home, stack: StackState) -> Iterator[Finding]:
    """Everything that needs the stack."""
    for name, service in stack.services.items():
        code, body = probe.ask(f"{service.url}/ready")
        if code == 200:
            yield ok(name, f"ready at {service.url}")
        else:
            yield problem(
                name, f"not ready: {' '.join(body.split())[:200] or code}", f"read its log: {service.log}"
            )
    label_studio, backend = stack.services["label-studio"], stack.services["backend"]
    secrets = credentials.load(home.secrets)
    with httpx.Client(trust_env=False, timeout=TIMEOUT_SECONDS) as client:
        try:
            yield guard(client, label_studio.url, secrets.service_token)
            yield _projection(client, label_studio.url, secrets.guard_secret)
            yield from _clocks(client, stack)
            yield from _jobs(client, backend.url, secrets.api_token)
        except httpx.TransportError as error:
            yield problem("guard", f"a service does not answer ({error})", "see the findings above")
    yield _ways_around(home, stack)
    yield _open_ports(stack)


def guard(client: httpx.Client, url: str, service_token: str) -> Finding:
    """Canaries: what only a guard refuses must be refused, with a credential that else works."""
    cure = (
        "stop the stack at once; start Label Studio by discloop up or label_studio_guard.serve only, "
        "never by its own label-studio start"
    )
    for path in CANARIES:
        code = client.get(f"{url}{path}").status_code
        if code not in REFUSED:
            return problem("guard", f"{path} is open ({code}): no guard stands before Label Studio", cure)
    token = {"Authorization": f"Token {service_token}"}
    if (code := client.get(f"{url}{CLOSED_TO_THE_SERVICE}", headers=token).status_code) not in REFUSED:
        return problem("guard", f"{CLOSED_TO_THE_SERVICE} is open to the service account ({code})", cure)
    if (code := client.get(f"{url}/api/projects/", headers=token).status_code) != 200:
        return problem(
            "guard",
            f"the service account's token does not open its own route ({code}); its refusals prove nothing",
            "is secrets.json the one this stack was started with? restart the stack",
        )
    return ok("guard", f"{len(CANARIES) + 1} canaries refused")


def _projection(client: httpx.Client, url: str, secret: str) -> Finding:
    headers = {"Authorization": f"DiscLoop {secret}"}
    answer = client.get(f"{url}/discloop/control/status", headers=headers)
    if answer.status_code != 200:
        return problem("projection", f"the guard's control answers {answer.status_code}", "restart the stack")
    projection = answer.json()["projection"]
    if projection["stale"]:
        return problem(
            "projection",
            "the guard's list of people is stale: everybody is refused",
            "is the backend up, and does its job sync_projection succeed? see discloop status",
        )
    return ok("projection", f"version {projection['version']}, {projection['age_s']:.0f} s old")


def _clocks(client: httpx.Client, stack: StackState) -> Iterator[Finding]:
    """In the grown form the services' machines may disagree; assertions live for seconds."""
    for name, service in stack.services.items():
        date = client.get(f"{service.url}/live").headers.get("date")
        if date is None:
            continue
        skew = abs((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds())
        if skew > LARGEST_SKEW_SECONDS:
            yield problem(
                f"clock {name}", f"{skew:.0f} s off", "set every machine's clock by NTP; sign-in needs it"
            )


def _jobs(client: httpx.Client, url: str, token: str) -> Iterator[Finding]:
    answer = client.get(f"{url}/api/status", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != 200:
        yield problem("jobs", f"/api/status answers {answer.status_code}", "read the backend's log")
        return
    jobs = answer.json()["jobs"]
    for job in jobs:
        if not job["healthy"]:
            yield warning(
                f"job {job['name']}",
                f"{job['title']}: {job['error'] or 'has not succeeded for long'}",
                "the job is tried again by itself; if this stays, read the backend's log",
            )
    yield ok("jobs", f"{sum(job['healthy'] for job in jobs)} of {len(jobs)} healthy")


def _ways_around(home: Home, stack: StackState) -> Finding:
    """Only the stack's own processes may have Label Studio's database open: all others answer unguarded."""
    database = (home.label_studio / "label_studio.sqlite3").resolve()
    ours = {stack.pid, *processes.descendants(stack.pid)}
    strangers = sorted(pid for pid in _holders(database) if pid not in ours)
    if strangers:
        return problem(
            "ways-around",
            f"process {', '.join(map(str, strangers))} has Label Studio's database open beside the stack",
            "end it: a second Label Studio over this database has no guard before it",
        )
    return ok("ways-around", "only the stack has Label Studio's database open")


def _holders(file: Path) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(link) == str(file) for link in (folder / "fd").iterdir()):
                yield int(folder.name)
        except OSError:  # ended, or another user's: who cannot open the home cannot have the database open
            continue


def _open_ports(stack: StackState) -> Finding:
    """Browsers of other machines come by the TLS proxy, never straight to a service."""
    ports = {int(service.url.rsplit(":", 1)[1]): name for name, service in stack.services.items()}
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    text = "\n".join(table.read_text(encoding="ascii") for table in tables if table.exists())
    wide = sorted(ports[port] for port in listening_beyond_loopback(text) if port in ports)
    if wide:
        return problem(
            "addresses",
            f"{', '.join(wide)} listens beyond the loopback address",
            "end what listens there; publish by the TLS proxy of docker/proxy only",
        )
    return ok("addresses", "all services listen on the loopback address only")


def listening_beyond_loopback(table: str) -> set[int]:
    """Ports of a `/proc/net/tcp` table that other machines can reach."""
    rows = [line.split() for line in table.splitlines()]
    pairs = [row[1].split(":") for row in rows if len(row) > 3 and row[3] == LISTENING]
    return {int(port, 16) for address, port in pairs if address not in LOOPBACK}
