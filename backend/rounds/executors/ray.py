"""The executor for many machines: a Ray job for each process.

The round names what it needs, Ray finds the machine. Nothing is shared but an address that fsspec reads: what
the work reads goes there, what it writes comes back from there. The code travels as a zip of an explicit list
of files; each attempt has a submission id of its own, which Ray accepts once.
"""

from __future__ import annotations

import json
import shlex
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import Unavailable
from backend.rounds.executors import INTERRUPTED, Condition, ExecutorError, Status, Work, node
from backend.rounds.folders import write_whole
from backend.settings import Settings

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

CODE = ("domain", "ml_backend")
"""The packages that a trainer and an evaluator import; their Python files go along, nothing else does."""
PULL_EVERY_S = 3.0
CODE_FILE = "code.zip"
GIB = 2**30


class RayExecutor:
    """Submits, watches and stops Ray jobs."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not settings.ray_storage:
            raise ExecutorError("DISCLOOP_RAY_STORAGE: an address that backend and Ray's machines reach")
        self._settings, self._storage, self._clock = settings, settings.ray_storage.rstrip("/"), clock
        self._client: JobSubmissionClient | None = None
        self._pulled: dict[tuple[Path, str], float] = {}

    def missing(self) -> str | None:
        """See `Executor`: a job that no machine can take yet waits in Ray's own queue."""
        return None

    def start(self, folder: Path, name: str, work: Work) -> None:
        """See `Executor`."""
        if self.status(folder, name).condition is Condition.RUNNING:
            return
        root, attempt = f"{self._storage}/{folder.name}", _attempt(folder, name) + 1
        here = f"{root}/{name}-{attempt}"
        # A round's snapshot and slices are sent once for all its processes, a model for each.
        reads = {word: f"{here if word == 'weights' else root}/{word}" for word in work.reads}
        for word, path in work.reads.items():
            self._send(path, reads[word], work.files.get(word))
        # The words are kept in braces: only the machine that runs it knows the places.
        command = work.command(python="{python}", out="{out}", reads={word: f"{{{word}}}" for word in reads})
        described = {
            "command": command,
            "reads": reads,
            "out": work.out.name,
            "goes_on_from": self._newest_output(root, name, attempt) if work.resume else None,
        }
        files, place = _open(here)
        files.makedirs(place, exist_ok=True)
        files.pipe_file(f"{place}/work.json", json.dumps(described).encode())
        (folder / f"{name}.log").touch()
        write_whole(_note(folder, name), json.dumps({"attempt": attempt, "out": str(work.out)}))
        self._submit(_submission(folder, name, attempt), here, pack_code(folder / CODE_FILE))

    def _submit(self, submission: str, here: str, code: Path) -> None:
        told = self._settings
        self._connected().submit_job(
            submission_id=submission,
            entrypoint=f"{shlex.quote(told.ray_python)} node.py {shlex.quote(here)}",
            runtime_env={"working_dir": str(code)},
            entrypoint_num_cpus=told.ray_cpus,
            entrypoint_num_gpus=told.ray_gpus,
            entrypoint_memory=int(told.ray_memory_gb * GIB),
        )

    def status(self, folder: Path, name: str) -> Status:
        """See `Executor`."""
        attempt = _attempt(folder, name)
        job = self._job(_submission(folder, name, attempt)) if attempt else None
        if job is None:
            return Status(Condition.NONE)
        state = job.status.value
        if state in ("PENDING", "RUNNING"):
            if self._clock() - self._pulled.get((folder, name), -PULL_EVERY_S) >= PULL_EVERY_S:
                self._pull(folder, name, attempt, job, whole=False)
                self._pulled[folder, name] = self._clock()
            return Status(Condition.RUNNING)
        self._pull(folder, name, attempt, job, whole=True)
        if state == "STOPPED":
            return Status(Condition.ENDED, INTERRUPTED)
        code = 0 if state == "SUCCEEDED" else job.driver_exit_code
        return Status(Condition.NONE) if code is None else Status(Condition.ENDED, code)

    def stop(self, folder: Path, name: str) -> None:
        """See `Executor`: Ray asks, and after its own patience kills."""
        if self.status(folder, name).condition is Condition.RUNNING:
            self._connected().stop_job(_submission(folder, name, _attempt(folder, name)))

    def _pull(self, folder: Path, name: str, attempt: int, job: JobDetails, *, whole: bool) -> None:
        """What it said, and what it wrote: its progress while it runs, everything when it has ended."""
        words = self._words(_submission(folder, name, attempt)) or job.message or ""
        write_whole(folder / f"{name}.log", words)
        files, root = _open(f"{self._storage}/{folder.name}/{name}-{attempt}/out")
        target = Path(json.loads(_note(folder, name).read_text())["out"]).parent
        for path in sorted(files.find(root), key=lambda path: path.endswith("model.json")):
            here = target / path.removeprefix(f"{root}/")
            wanted = here.name == "progress.jsonl" or (whole and not path.endswith(".part"))
            if wanted and not (here.is_file() and here.stat().st_size == files.size(path)):
                _fetch_whole(files, path, here)

    def _words(self, submission: str) -> str:
        try:
            return self._connected().get_job_logs(submission)
        except RuntimeError:
            return ""  # Its machine does not answer; whether the job lives is the cluster's word.

    def _send(self, folder: Path, url: str, only: Any) -> None:
        files, root = _open(url)
        names = only if only is not None else [p.relative_to(folder) for p in _files_of(folder)]
        for name in names:
            target = f"{root}/{Path(name).as_posix()}"
            path = folder / name
            if not files.exists(target) or files.size(target) != path.stat().st_size:
                node.put_whole(files, path, target)

    def _newest_output(self, root: str, name: str, attempt: int) -> str | None:
        for earlier in range(attempt - 1, 0, -1):
            url = f"{root}/{name}-{earlier}/out"
            files, path = _open(url)
            if files.find(path):
                return url
        return None

    def _job(self, submission: str) -> JobDetails | None:
        try:
            return self._connected().get_job_info(submission)
        except RuntimeError as error:
            if "404" in str(error):
                return None
            raise Unavailable(f"Ray at {self._settings.ray_address}: {_first_line(error)}") from None

    def _connected(self) -> JobSubmissionClient:
        if self._client is None:
            self._client = _connect(self._settings.ray_address)
        return self._client


def _connect(address: str) -> JobSubmissionClient:
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise ExecutorError("DISCLOOP_EXECUTOR=ray needs the extra: pip install 'discloop[ray]'") from None
    try:
        return JobSubmissionClient(address)
    except (ConnectionError, RuntimeError) as error:
        raise Unavailable(f"Ray does not answer at {address}: {_first_line(error)}") from None


def pack_code(target: Path) -> Path:
    """The zip of the code that travels: every Python file of `CODE`, and `node.py` beside them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, name in sorted(_code(), key=lambda pair: pair[1]):
            # A fixed date: Ray keeps code by its hash, and equal code is sent once.
            packed.writestr(zipfile.ZipInfo(name), path.read_bytes())
    return target


def _code() -> Iterator[tuple[Path, str]]:
    yield Path(node.__file__), "node.py"
    for package in CODE:
        found = find_spec(package)
        for place in found.submodule_search_locations or () if found else ():
            for path in Path(place).rglob("*.py"):
                yield path, f"{package}/{path.relative_to(place).as_posix()}"


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _note(folder: Path, name: str) -> Path:
    return folder / f"{name}.ray.json"


def _attempt(folder: Path, name: str) -> int:
    try:
        return int(json.loads(_note(folder, name).read_text())["attempt"])
    except FileNotFoundError:
        return 0


def _submission(folder: Path, name: str, attempt: int) -> str:
    return f"discloop-{folder.name}-{name}-{attempt}"


def _open(url: str) -> tuple[Any, str]:
    import fsspec

    files, path = fsspec.core.url_to_fs(url)
    return files, str(path)


def _fetch_whole(files: Any, path: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    files.get_file(path, str(partial))
    partial.replace(target)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
