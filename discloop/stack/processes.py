"""Starting and ending a process together with everything it started. Linux."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)
POLL_SECONDS = 0.05


def adopt_orphans() -> None:
    """Make this process the parent of every orphaned descendant, so that none escapes `end`."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def start(
    command: Iterable[str], environment: dict[str, str], log: Path, *, folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own and in `folder`, its output appended to `log`.

    It is told to end when this one is killed, which no handler can do. Call it from the main thread of a
    process without others: the order is tied to the thread that starts it.
    """
    with log.open("ab") as stream:
        return subprocess.Popen(
            tuple(command),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            preexec_fn=_die_with_parent,
        )


def children(pid: int) -> list[int]:
    """Direct children of a process, as the kernel lists them."""
    found: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in listing.read_text().split()]
        except OSError:  # the thread has just ended
            continue
    return found


def descendants(pid: int) -> list[int]:
    """Every process below this one, parents before their children."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children(waiting.pop())
        found += below
        waiting += below
    return found


def reap(pids: Iterable[int]) -> None:
    """Take leave of ended children that were adopted; nobody else waits for them."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group of a process that has ended, so that its port is free."""
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def end(processes: Iterable[subprocess.Popen[bytes]], *, patience_s: float) -> None:
    """Ask each group to end, wait, then kill every descendant of this process that is left.

    A descendant may have a group of its own (a trainer has); it is asked too.
    """
    processes = list(processes)
    for process in processes:
        _signal_group(process.pid, signal.SIGTERM)
    groups = {process.pid for process in processes}
    _ask(pid for pid in descendants(os.getpid()) if _group(pid) not in groups)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if all(process.poll() is not None for process in processes) and not _living():
            return
        time.sleep(POLL_SECONDS)
    for pid in descendants(os.getpid()):
        _signal(pid, signal.SIGKILL)
    for process in processes:
        process.wait()
    reap(children(os.getpid()))


def _living() -> list[int]:
    reap(children(os.getpid()))
    return descendants(os.getpid())


def _ask(pids: Iterable[int]) -> None:
    for pid in pids:
        _signal(pid, signal.SIGTERM)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
