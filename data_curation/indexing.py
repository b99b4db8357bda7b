"""Reading all headers in parallel into an index by study that vanishes with the process."""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Self, TypeVar

from data_curation.discovery import Skipped, Source, open_source
from data_curation.headers import Instance, Person, Unusable, read_header, read_instances, read_person
from data_curation.identifiers import Seen, tokens_of, tokens_of_names, without_accents
from data_curation.policy import Policy

_BATCH = 64
_T = TypeVar("_T")
_R = TypeVar("_R")


@dataclass(frozen=True)
class Read:
    """A file's header as indexed."""

    person: Person
    instances: tuple[Instance, ...]
    stamp: tuple[int, int]
    """Size and time of change."""
    tokens: frozenset[str]
    """Everything in it that could identify, but for what the files read before it had."""


@contextmanager
def executor(workers: int) -> Iterator[Executor | None]:
    """Processes, or None for one worker: then all runs in this process."""
    if workers <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("forkserver"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def spread(
    function: Callable[[_T], _R], items: Iterable[_T], pool: Executor | None, ahead: int
) -> Iterator[_R]:
    """Results as they come, with no more than `ahead` items under way: memory stays flat."""
    if pool is None:
        yield from (function(item) for item in items)
        return
    waiting: set[Future[_R]] = set()
    stream = iter(items)
    while True:
        waiting |= {pool.submit(function, item) for item in islice(stream, ahead - len(waiting))}
        if not waiting:
            return
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


class Index:
    """Headers by study, and the identifying values of all files."""

    def __init__(self) -> None:
        # The empty name is SQLite's private on-disk database: identities never lie in a named file.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE read (study TEXT, row BLOB)")
        self._connection.execute("CREATE TABLE token (word TEXT PRIMARY KEY) WITHOUT ROWID")
        self.files = 0
        self.skipped: list[Skipped] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def fill(
        self,
        found: Iterable[Source | Skipped],
        root: Path,
        pool: Executor | None,
        policy: Policy,
        progress: Callable[[int], None],
    ) -> None:
        """Read all sources; what cannot be read is in `skipped`."""
        batches = _batches(self._readable(found), str(root), policy)
        for results, names in spread(_read_batch, batches, pool, 8):
            self._know(names)
            for result in results:
                if isinstance(result, Skipped):
                    self.skipped.append(result)
                else:
                    self._add(result)
            progress(self.files + len(self.skipped))
        self._connection.execute("CREATE INDEX by_study ON read (study)")

    def _readable(self, found: Iterable[Source | Skipped]) -> Iterator[Source]:
        for item in found:
            if isinstance(item, Skipped):
                self.skipped.append(item)
            else:
                yield item

    def _add(self, read: Read) -> None:
        row = (read.person.study_uid, pickle.dumps(read, protocol=5))
        self._connection.execute("INSERT INTO read VALUES (?, ?)", row)
        self._know(read.tokens)
        self.files += 1

    def _know(self, words: Iterable[str]) -> None:
        spelled = {s for word in words for s in (word, without_accents(word))}
        self._connection.executemany("INSERT OR IGNORE INTO token VALUES (?)", ((w,) for w in spelled))

    def known(self, word: str) -> bool:
        """Whether a normalised word is an identifying value of any source."""
        return self._connection.execute("SELECT 1 FROM token WHERE word = ?", (word,)).fetchone() is not None

    def studies(self) -> list[str]:
        """StudyInstanceUIDs, sorted."""
        return [row[0] for row in self._connection.execute("SELECT DISTINCT study FROM read ORDER BY study")]

    def of_study(self, study_uid: str) -> list[Read]:
        """A study's files in a stable order."""
        rows = self._connection.execute("SELECT row FROM read WHERE study = ?", (study_uid,))
        reads: list[Read] = [pickle.loads(row[0]) for row in rows]
        return sorted(reads, key=lambda r: (r.instances[0].sop_uid, r.instances[0].source.name))


def _batches(
    sources: Iterable[Source], root: str, policy: Policy
) -> Iterator[tuple[list[Source], str, Policy]]:
    stream = iter(sources)
    while batch := list(islice(stream, _BATCH)):
        yield batch, root, policy


def _read_batch(
    batch: tuple[Sequence[Source], str, Policy],
) -> tuple[list[Read | Skipped], frozenset[str]]:
    sources, root, policy = batch
    names = tokens_of_names(
        {os.path.relpath(s.path, root) for s in sources} | {member for s in sources for member in s.members}
    )
    seen: Seen = set()
    return [_read_one(source, policy, seen) for source in sources], frozenset(names)


def _read_one(source: Source, policy: Policy, seen: Seen | None = None) -> Read | Skipped:
    try:
        with open_source(source, policy.limits) as stream:
            dataset = read_header(stream, policy.limits.file_bytes)
            size = stream.seek(0, os.SEEK_END)
        person = read_person(dataset)
        instances = read_instances(dataset, source)
        # Last: what a file that is skipped after all had would count as gathered.
        tokens = frozenset(tokens_of(dataset, seen))
        changed = os.stat(source.path).st_mtime_ns
    except Unusable as error:
        return Skipped(source, str(error))
    except OSError:
        return Skipped(source, "cannot be read")
    return Read(person, tuple(instances), (size, changed), tokens)
