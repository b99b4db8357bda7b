"""`python node.py URL`: runs one piece of work on whichever machine this is, for the Ray executor.

Fetches what the work reads, runs its command, and sends back what it writes, while it is written and in the
order in which it was: whatever is described last arrives last. Python's library and fsspec only, because the
machine has the trainer's environment and not the backend's.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any

import fsspec

INTERRUPTED = 75
EVERY_S = 2.0
"""How often new output is looked for."""

Sent = dict[Path, tuple[int, int]]
"""Time and size of each file when it was sent."""


def main(url: str) -> int:
    """Run the work that `URL/work.json` describes; the exit code of its command."""
    files, root = fsspec.core.url_to_fs(url)
    work = json.loads(files.cat_file(f"{root}/work.json"))
    with tempfile.TemporaryDirectory(prefix="discloop-round-") as temporary:
        place = Path(temporary)
        for name, source in work["reads"].items():
            fetch(source, place / name)
        out = place / "out"
        if work["goes_on_from"]:
            fetch(work["goes_on_from"], out)
        (out / work["out"]).parent.mkdir(parents=True, exist_ok=True)
        places = {name: str(place / name) for name in work["reads"]} | {"out": str(out / work["out"])}
        command = [word.format(python=sys.executable, **places) for word in work["command"]]
        return _run(command, files, f"{root}/out", out)


def _run(command: list[str], files: Any, root: str, out: Path) -> int:
    child = subprocess.Popen(command)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    signal.signal(signal.SIGTERM, forward)
    sent: Sent = {}
    while child.poll() is None:
        send(files, root, out, sent)
        _wait(child)
    send(files, root, out, sent)
    return child.returncode if child.returncode >= 0 else INTERRUPTED


def _wait(child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + EVERY_S
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def fetch(url: str, folder: Path) -> None:
    """Copy every file below an address into a folder; an address with none is no error."""
    files, root = fsspec.core.url_to_fs(url)
    folder.mkdir(parents=True, exist_ok=True)
    for path in files.find(root):
        target = folder / PurePosixPath(path).relative_to(PurePosixPath(root))
        target.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(path, str(target))


def send(files: Any, root: str, folder: Path, sent: Sent) -> None:
    """Copy what is new in a folder to an address, oldest first, each file whole or not at all."""
    for path, state in sorted(_states(folder).items(), key=lambda item: item[1]):
        if sent.get(path) == state:
            continue
        try:
            put_whole(files, path, f"{root}/{path.relative_to(folder).as_posix()}")
        except FileNotFoundError:
            continue  # Replaced meanwhile, or a partial file: the next look finds its successor.
        sent[path] = state


def _states(folder: Path) -> Sent:
    found: Sent = {}
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                found[path] = (path.stat().st_mtime_ns, path.stat().st_size)
        except FileNotFoundError:
            continue
    return found


def put_whole(files: Any, path: Path, target: str) -> None:
    """Copy one file so that a kill at any moment leaves the old one or the new one."""
    files.makedirs(target.rpartition("/")[0], exist_ok=True)
    files.put_file(str(path), f"{target}.part")
    files.mv(f"{target}.part", target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
