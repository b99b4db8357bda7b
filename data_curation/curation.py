"""`discloop curate`: index the headers, make each study on its own, then what depends on all of them."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from data_curation.discovery import Skipped, Source, find_sources, open_source
from data_curation.headers import Instance, Person, Unusable, read_header, read_instances, read_person
from data_curation.identity import PseudonymKey
from data_curation.policy import Policy
from data_curation.splits import Newcomer, Placed, place
from data_curation.store import Record, Store
from data_curation.studies import CuratedStudy, Prepared, curate_study
from domain.errors import DiscLoopError
from domain.manifest import Study
from domain.taxonomy import Split

_BATCH = 64
_T = TypeVar("_T")
_R = TypeVar("_R")
Progress = Callable[[str, int, int], None]
"""Told the stage (`reading`, `curating`), how many are done, and of how many (0: not known)."""


class FileNote(BaseModel):
    """A file that was left out, under its keyed number, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    reason: str


class StudyNote(BaseModel):
    """A study or one of its series that was left out, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    series: str | None = None
    reason: str


class Summary(BaseModel):
    """What one run did; every rejection with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int
    studies: int
    curated: int
    unchanged: int
    changed: int
    slices: int
    splits: dict[str, int]
    """Patients."""
    files_skipped: dict[str, int]
    studies_rejected: dict[str, int]
    series_rejected: dict[str, int]
    skipped: tuple[FileNote, ...]
    rejected: tuple[StudyNote, ...]


@dataclass(frozen=True)
class Read:
    """A file's header as indexed."""

    person: Person
    instances: tuple[Instance, ...]
    stamp: tuple[int, int]
    """Size and time of change."""


@dataclass(frozen=True)
class Job:
    """A study to be made."""

    person: Person
    instances: tuple[Instance, ...]
    folder: Path
    key: PseudonymKey
    policy: Policy


def curate(
    dicom: Path,
    root: Path,
    *,
    key: PseudonymKey,
    policy: Policy,
    site: str = "site",
    external: bool = False,
    workers: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> Summary:
    """Bring a folder of DICOM into a store. Safe to run again: what is unchanged is left as it is.

    Args:
        dicom: The folder.
        root: The store.
        key: Makes the pseudonyms.
        policy: Thresholds.
        site: Where the studies come from, a short code.
        external: Whether the site's patients are for external testing only.
        workers: Processes.
        progress: Told what is done.

    Raises:
        DiscLoopError: If a folder is wrong, or the store belongs to another key.
    """
    if dicom.resolve() == root.resolve() or root.resolve().is_relative_to(dicom.resolve()):
        raise DiscLoopError(f"{root}: the store must not lie within the DICOM folder")
    sources = find_sources(dicom, policy.limits)
    first = list(islice(sources, 1))
    with Store.opened(root, key.fingerprint) as store, _Index() as index, _executor(workers) as pool:
        skipped = _read_all(_chain(first, sources), index, pool, policy, progress)
        run = _Run(store, index, key, policy, site, external)
        run.make_all(pool, workers, progress)
        splits = _place(store, key, policy)
        count = store.write_manifest(_manifest(store, splits))
        return _summary(store, index, skipped, run, count, splits, key)


def _chain(first: Iterable[_T], rest: Iterable[_T]) -> Iterator[_T]:
    yield from first
    yield from rest


@contextmanager
def _executor(workers: int) -> Iterator[Executor | None]:
    if workers <= 1:
        yield None
        return
    pool = ProcessPoolExecutor(workers, mp_context=get_context("forkserver"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _spread(
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


def _read_batch(batch: tuple[Sequence[Source], Policy]) -> list[Read | Skipped]:
    sources, policy = batch
    return [_read_one(source, policy) for source in sources]


def _read_one(source: Source, policy: Policy) -> Read | Skipped:
    try:
        with open_source(source, policy.limits) as stream:
            dataset = read_header(stream)
            stream.seek(0, os.SEEK_END)
            size = stream.tell()
        person = read_person(dataset)
        instances = read_instances(dataset, source)
    except Unusable as error:
        return Skipped(source, str(error))
    except OSError:
        return Skipped(source, "cannot be read")
    return Read(person, tuple(instances), (size, os.stat(source.path).st_mtime_ns))


def _batches(sources: Iterable[Source], policy: Policy) -> Iterator[tuple[list[Source], Policy]]:
    stream = iter(sources)
    while batch := list(islice(stream, _BATCH)):
        yield batch, policy


def _read_all(
    found: Iterable[Source | Skipped],
    index: _Index,
    pool: Executor | None,
    policy: Policy,
    progress: Progress,
) -> list[Skipped]:
    skipped: list[Skipped] = []

    def readable() -> Iterator[Source]:
        for item in found:
            if isinstance(item, Skipped):
                skipped.append(item)
            else:
                yield item

    for results in _spread(_read_batch, _batches(readable(), policy), pool, 8):
        for result in results:
            if isinstance(result, Skipped):
                skipped.append(result)
            else:
                index.add(result)
        progress("reading", index.files + len(skipped), 0)
    index.files += len(skipped)
    return skipped


class _Index:
    """Headers by study, in a temporary database that vanishes with the process."""

    def __init__(self) -> None:
        # The empty name is SQLite's private on-disk database: identities never lie in a named file.
        self._connection = sqlite3.connect("")
        self._connection.execute("CREATE TABLE read (study TEXT, row BLOB)")
        self.files = 0

    def __enter__(self) -> _Index:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()

    def add(self, read: Read) -> None:
        self._connection.execute(
            "INSERT INTO read VALUES (?, ?)", (read.person.study_uid, pickle.dumps(read, protocol=5))
        )
        self.files += 1

    def studies(self) -> list[str]:
        self._connection.execute("CREATE INDEX IF NOT EXISTS by_study ON read (study)")
        return [row[0] for row in self._connection.execute("SELECT DISTINCT study FROM read ORDER BY study")]

    def of_study(self, study_uid: str) -> list[Read]:
        rows = self._connection.execute("SELECT row FROM read WHERE study = ? ORDER BY rowid", (study_uid,))
        return [pickle.loads(row[0]) for row in rows]


def _make(job: Job) -> tuple[str, Prepared]:
    return job.person.study_uid, curate_study(job.person, job.instances, job.folder, job.key, job.policy)


class _Run:
    """Makes the studies of one run."""

    def __init__(
        self, store: Store, index: _Index, key: PseudonymKey, policy: Policy, site: str, external: bool
    ) -> None:
        self._store, self._index, self._key, self._policy = store, index, key, policy
        self._site, self._external = site, external
        self.unchanged = self.changed = 0
        self.studies: list[str] = []
        self._fingerprints: dict[str, str] = {}

    def make_all(self, pool: Executor | None, workers: int, progress: Progress) -> None:
        uids = self._index.studies()
        progress("curating", 0, len(uids))
        for done, (uid, prepared) in enumerate(_spread(_make, self._jobs(uids), pool, workers * 2), start=1):
            self._keep(uid, prepared)
            progress("curating", done + self.unchanged, len(uids))

    def _jobs(self, uids: Sequence[str]) -> Iterator[Job]:
        for uid in uids:
            reads = self._index.of_study(uid)
            study = self._key.study(uid)
            self.studies.append(study)
            fingerprint = self._fingerprint(reads)
            before = self._store.record(study)
            if before is not None and before.fingerprint == fingerprint:
                self.unchanged += 1
                continue
            self.changed += before is not None
            self._fingerprints[uid] = fingerprint
            people = {(r.person.patient_id, r.person.issuer) for r in reads}
            if len(people) > 1:
                self._keep(uid, Prepared(None, "one study under two patients", ()))
                continue
            instances = tuple(i for r in reads for i in r.instances)
            yield Job(reads[0].person, instances, self._store.work / study, self._key, self._policy)

    def _fingerprint(self, reads: Sequence[Read]) -> str:
        parts = sorted(f"{i.sop_uid}/{i.frame}/{r.stamp}" for r in reads for i in r.instances)
        return self._key.digest(
            "source", self._site, str(self._external), self._policy.model_dump_json(), *parts
        )

    def _keep(self, uid: str, prepared: Prepared) -> None:
        study = self._key.study(uid)
        record = Record(
            study=study,
            site=self._site,
            external=self._external,
            fingerprint=self._fingerprints.pop(uid),
            curated=prepared.curated,
            reason=prepared.reason,
            notes=prepared.notes,
        )
        folder = self._store.work / study
        self._store.keep(record, folder if prepared.curated is not None else None)
        shutil.rmtree(folder, ignore_errors=True)


def _place(store: Store, key: PseudonymKey, policy: Policy) -> dict[str, Placed]:
    newcomers = [
        Newcomer(r.curated.patient, r.site, r.curated.age_band, r.external)
        for r in store.records()
        if r.curated is not None
    ]
    placed = place(newcomers, store.read_splits(), key, policy.splits)
    store.write_splits(placed)
    return placed


def _manifest(store: Store, splits: dict[str, Placed]) -> Iterator[Study]:
    for record in store.records():
        if record.curated is not None:
            yield _line(record, record.curated, splits[record.curated.patient].split)


def _line(record: Record, curated: CuratedStudy, split: Split) -> Study:
    return Study(
        patient=curated.patient,
        study=curated.study,
        site=record.site,
        split=split,
        age_band=curated.age_band,
        sex=curated.sex,
        month=curated.month,
        numbering=curated.numbering,
        series=curated.series,
        localizer=curated.localizer,
        digest=curated.digest,
    )


def _summary(
    store: Store,
    index: _Index,
    skipped: Sequence[Skipped],
    run: _Run,
    count: int,
    splits: dict[str, Placed],
    key: PseudonymKey,
) -> Summary:
    notes: list[StudyNote] = []
    slices = 0
    for record in store.records():
        if record.reason is not None:
            notes.append(StudyNote(study=record.study, reason=record.reason))
        elif record.curated is not None:
            slices += sum(len(s.slices) for s in record.curated.series)
        notes += [StudyNote(study=record.study, series=n.series, reason=n.reason) for n in record.notes]
    files = tuple(
        FileNote(file=f"fi-{key.digest('file', s.source.name)[:12]}", reason=s.reason) for s in skipped
    )
    return Summary(
        files=index.files,
        studies=len(run.studies),
        curated=count,
        unchanged=run.unchanged,
        changed=run.changed,
        slices=slices,
        splits=_counted(p.split.value for p in splits.values()),
        files_skipped=_counted(f.reason for f in files),
        studies_rejected=_counted(n.reason for n in notes if n.series is None),
        series_rejected=_counted(n.reason for n in notes if n.series is not None),
        skipped=files,
        rejected=tuple(notes),
    )


def _counted(words: Iterable[Any]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))
