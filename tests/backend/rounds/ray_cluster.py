"""A real Ray cluster on the loopback address: a head that runs nothing, and a second node of one CPU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.waiting import free_ports, until

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1", "PYTHONWARNINGS": "ignore"}
COMMON = ("--object-store-memory=80000000", "--disable-usage-stats", "--block")
# Ray takes 127.0.0.1 for the machine's outward address; these are as much of this machine alone.
HEAD, NODE = "127.0.0.2", "127.0.0.3"
ATTEMPTS = 3


@contextmanager
def two_nodes() -> Iterator[str]:
    """The address of its Jobs API. Both nodes and all that they started are ended."""
    port, dashboard, *agents = free_ports(4)
    # Ray's sockets lie below its folder, and a socket's path has at most 107 characters.
    folders = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)
    with folders as folder, ExitStack() as nodes:
        log, address = Path(folder) / "start.log", f"http://127.0.0.1:{dashboard}"
        dashboard_options = ("--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}")
        head = ("--head", f"--port={port}", *dashboard_options, f"--temp-dir={folder}/head", "--num-cpus=0")
        _join(nodes, address, log, partial(_start, log, HEAD, agents[0], *head), alive=1)
        node = (f"--address={HEAD}:{port}", "--num-cpus=1")
        _join(nodes, address, log, partial(_start, log, NODE, agents[1], *node), alive=2)
        yield address


def _join(
    nodes: ExitStack, address: str, log: Path, start: Callable[[], subprocess.Popen[bytes]], alive: int
) -> None:
    """Start a node and wait until it counts; Ray gives one 30 s, so on a busy machine some end instead."""
    for _ in range(ATTEMPTS):
        node = start()
        nodes.callback(_end, node)
        until(
            lambda node=node: node.poll() is not None or _alive(address) == alive,  # type: ignore[misc]
            within_s=120,
            what=f"{alive} nodes of Ray",
        )
        if node.poll() is None:
            return
    raise AssertionError(f"Ray's node ended {ATTEMPTS} times: {log.read_text()[-2000:]}")


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


def _alive(address: str) -> int:
    """How many nodes the head knows to be alive; 0 while it does not answer."""
    try:
        answer = httpx.get(f"{address}/api/v0/nodes", params={"detail": False}, timeout=10)
        rows = answer.raise_for_status().json()["data"]["result"]["result"]
    except (httpx.HTTPError, KeyError, ValueError):
        return 0
    return sum(row["state"] == "ALIVE" for row in rows)


def _end(node: subprocess.Popen[bytes]) -> None:
    """At once: nothing of it is needed any more."""
    processes: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        own = psutil.Process(node.pid)
        processes = [own, *own.children(recursive=True)]
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    # What lost its parent is still of its session's group.
    with suppress(ProcessLookupError):
        os.killpg(node.pid, signal.SIGKILL)
    psutil.wait_procs(processes, timeout=10)
    node.wait()
