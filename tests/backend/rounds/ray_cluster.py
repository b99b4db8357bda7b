"""A real Ray cluster on the loopback address: a head that runs nothing, and a second node of one CPU."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from tests.waiting import free_ports, until

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1", "PYTHONWARNINGS": "ignore"}
COMMON = ("--object-store-memory=80000000", "--disable-usage-stats", "--block")
# Ray takes 127.0.0.1 for the machine's outward address; these are as much of this machine alone.
HEAD, NODE = "127.0.0.2", "127.0.0.3"


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of its Jobs API. Both nodes and all that they started are ended."""
    port, dashboard, *agents = free_ports(4)
    # Ray's sockets lie below its folder, and a socket's path has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "start.log"
        head = ("--head", f"--port={port}", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}")
        nodes = [_start(log, HEAD, agents[0], *head, f"--temp-dir={folder}/head", "--num-cpus=0")]
        address = f"http://127.0.0.1:{dashboard}"
        try:
            until(lambda: _alive(address, nodes, log) >= 1, within_s=120, what="Ray's head answers")
            nodes.append(_start(log, NODE, agents[1], f"--address={HEAD}:{port}", "--num-cpus=1"))
            until(lambda: _alive(address, nodes, log) == 2, within_s=120, what="the second node is there")
            yield address
        finally:
            for node in reversed(nodes):
                _end(node)


def _start(log: Path, ip: str, agent: int, *options: str) -> subprocess.Popen[bytes]:
    ray = Path(sys.executable).with_name("ray")
    path = f"{ray.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "PYTEST"))}
    own = (f"--node-ip-address={ip}", f"--dashboard-agent-listen-port={agent}")
    with log.open("ab") as said:
        return subprocess.Popen(
            [str(ray), "start", *COMMON, *own, *options],
            stdout=said,
            stderr=said,
            env=environment | QUIET | {"PATH": path},
            start_new_session=True,
        )


def _alive(address: str, nodes: list[subprocess.Popen[bytes]], log: Path) -> int:
    """How many nodes the head knows to be alive; 0 while it does not answer."""
    assert all(node.poll() is None for node in nodes), log.read_text()[-2000:]
    try:
        answer = httpx.get(f"{address}/api/v0/nodes", params={"detail": False}, timeout=10)
        rows = answer.raise_for_status().json()["data"]["result"]["result"]
    except (httpx.HTTPError, KeyError, ValueError):
        return 0
    return sum(row["state"] == "ALIVE" for row in rows)


def _end(node: subprocess.Popen[bytes]) -> None:
    """At once: nothing of it is needed any more."""
    processes = [psutil.Process(node.pid)]
    processes += processes[0].children(recursive=True)
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(processes, timeout=10)
    node.wait()
