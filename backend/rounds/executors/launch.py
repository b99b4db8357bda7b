"""`python launch.py FOLDER NAME COMMAND...`: runs one command while holding a lock that says it runs.

It stands between scheduler and trainer so that the trainer outlives a killed scheduler, is found again by the
next one, and never runs twice: the lock is the kernel's, held by this process and its child alike. The
standard library only, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

BUSY = 76
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Run the command; its exit code goes to `NAME.exit`."""
    folder, name, command = Path(arguments[0]), arguments[1], arguments[2:]
    lock = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return BUSY
    (folder / f"{name}.exit").unlink(missing_ok=True)
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    child = subprocess.Popen(command, pass_fds=(lock,), preexec_fn=_end_with_parent)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    code = child.wait()
    partial = folder / f".{name}.exit"
    partial.write_text(json.dumps({"code": code}))
    os.replace(partial, folder / f"{name}.exit")
    return 0


def _end_with_parent() -> None:
    """Linux: the command is asked to end when this process is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
