"""`discloop curate`: index the headers, make each study on its own, then what depends on all of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from data_curation.cohort import Cohort
from data_curation.discovery import find_sources
from data_curation.finishing import finish
from data_curation.headers import Instance, Person
from data_curation.identity import PseudonymKey
from data_curation.indexing import Index, Read, executor, spread
from data_curation.policy import Policy
from data_curation.store import Record, Store
from data_curation.studies import Prepared, curate_study
from data_curation.summary import FileNote, Summary, counted
from data_curation.verification import Leak, check_folder, check_json
from domain.errors import DiscLoopError

Progress = Callable[[str, int, int], None]
"""Told the stage (`reading`, `curating`), how many are done, and of how many (0: not known)."""
UNFORESEEN = "unforeseen error"
_TRY_AGAIN = "0" * 64


@dataclass(frozen=True)
class Origin:
    """Where studies come from."""

    site: str = "site"
    external: bool = False
    cohort: Cohort = field(default_factory=Cohort)


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
    origin: Origin | None = None,
    workers: int = 1,
    progress: Progress = lambda stage, done, total: None,
    skipped_list: Path | None = None,
) -> Summary:
    """Bring a folder of DICOM into a store. Safe to run again: what is unchanged is left as it is.

    Args:
        dicom: The folder.
        root: The store.
        key: Makes the pseudonyms.
        policy: Thresholds.
        origin: Site and cohort.
        workers: Processes.
        progress: Told what is done.
        skipped_list: Where to write which file each keyed number of the summary's `skipped` is. It names
            patients' files: keep it with the key.

    Raises:
        DiscLoopError: If a folder is wrong, or the store belongs to another key.
        Leak: If an identifying value is found in what was written.
    """
    home, source = root.resolve(), dicom.resolve()
    if home == source or home.is_relative_to(source) or source.is_relative_to(home):
        raise DiscLoopError(f"{root}: the store and the DICOM folder must lie apart")
    if not dicom.is_dir():
        raise DiscLoopError(f"{dicom}: expected a folder of DICOM files")
    with Store.opened(root, key.fingerprint) as store, Index() as index, executor(workers) as pool:
        index.fill(
            find_sources(dicom, policy.limits), dicom, pool, policy, lambda n: progress("reading", n, 0)
        )  # fmt: skip
        run = _Run(store, index, key, policy, origin or Origin())
        run.make_all(pool, workers, progress)
        if skipped_list is not None:
            _write_skipped(skipped_list, index, key)
        return run.finish()


def _make(job: Job) -> tuple[str, Prepared]:
    try:
        prepared = curate_study(job.person, job.instances, job.folder, job.key, job.policy)
    except (OSError, Leak):
        raise  # A full disk is nothing of this study's, and a leak stops the command.
    except Exception as error:
        # One study that nobody foresaw must not stop thousands; it is named, and tried again next time.
        prepared = Prepared(None, f"{UNFORESEEN} {type(error).__name__}", ())
    return job.person.study_uid, prepared


class _Run:
    """Makes the studies of one run."""

    def __init__(self, store: Store, index: Index, key: PseudonymKey, policy: Policy, origin: Origin) -> None:
        self._store, self._index, self._key = store, index, key
        self._policy, self._origin = policy, origin
        self._unchanged = self._changed = 0
        self._fingerprints: dict[str, str] = {}
        self._enriched: dict[str, str] = {}

    def make_all(self, pool: Executor | None, workers: int, progress: Progress) -> None:
        """Make what is new or changed, several at a time."""
        uids = self._index.studies()
        progress("curating", 0, len(uids))
        made = spread(_make, self._jobs(uids), pool, workers * 2)
        for done, (uid, prepared) in enumerate(made, start=1):
            self._keep(uid, prepared)
            progress("curating", done + self._unchanged, len(uids))

    def _jobs(self, uids: Sequence[str]) -> Iterator[Job]:
        for uid in uids:
            reads = self._index.of_study(uid)
            study = self._key.study(uid)
            self._note_quota(reads[0].person)
            self._fingerprints[uid] = fingerprint = self._fingerprint(reads)
            before = self._store.record(study)
            if before is not None and before.fingerprint == fingerprint:
                self._unchanged += 1
                continue
            self._changed += before is not None
            reason = self._why_not(reads)
            if reason is not None:
                self._keep(uid, Prepared(None, reason, ()))
                continue
            instances = tuple(i for r in reads for i in r.instances)
            yield Job(reads[0].person, instances, self._store.work / study, self._key, self._policy)

    def _note_quota(self, person: Person) -> None:
        """The list has no issuers, and a pseudonym has one: what was listed is kept under the pseudonym."""
        quota = self._origin.cohort.enriched.get(self._key.patient(person.patient_id))
        if quota is not None:
            self._enriched[self._key.patient(person.patient_id, person.issuer)] = quota

    def _why_not(self, reads: Sequence[Read]) -> str | None:
        patients = {self._key.patient(r.person.patient_id, r.person.issuer) for r in reads}
        if len(patients) > 1:
            return "one study under two patients"
        exclusion = self._origin.cohort.excluded.get(self._key.patient(reads[0].person.patient_id))
        return f"excluded: {exclusion}" if exclusion else None

    def _fingerprint(self, reads: Sequence[Read]) -> str:
        parts = sorted(f"{i.sop_uid}/{i.frame}/{r.stamp}" for r in reads for i in r.instances)
        listed = self._origin.cohort.excluded.get(self._key.patient(reads[0].person.patient_id), "")
        place = (self._origin.site, str(self._origin.external), listed)
        return self._key.digest("source", *place, self._policy.model_dump_json(), *parts)

    def _keep(self, uid: str, prepared: Prepared) -> None:
        study = self._key.study(uid)
        unforeseen = prepared.reason is not None and prepared.reason.startswith(UNFORESEEN)
        record = Record(
            study=study,
            site=self._origin.site,
            external=self._origin.external,
            fingerprint=_TRY_AGAIN if unforeseen else self._fingerprints[uid],
            curated=prepared.curated,
            reason=prepared.reason,
            notes=prepared.notes,
        )
        folder = self._store.work / study
        check_json(json.loads(record.model_dump_json()), self._index.known, study)
        if prepared.curated is not None:
            check_folder(folder, f"studies/{study}/")
        self._store.keep(record, folder if prepared.curated is not None else None)
        shutil.rmtree(folder, ignore_errors=True)

    def finish(self) -> Summary:
        """What depends on all studies, and the summary."""
        done = finish(self._store, self._key, self._policy, self._index.known, self._enriched)
        files = tuple(
            FileNote(file=_number(s.source.name, self._key), reason=s.reason) for s in self._index.skipped
        )
        return Summary(
            files=self._index.files + len(files),
            studies=len(self._fingerprints),
            curated=done.studies,
            unchanged=self._unchanged,
            changed=self._changed,
            slices=done.slices,
            splits=done.splits,
            flags=done.flags,
            files_skipped=counted(f.reason for f in files),
            studies_rejected=counted(n.reason for n in done.notes if n.series is None),
            series_rejected=counted(n.reason for n in done.notes if n.series is not None),
            verified_files=done.verified,
            skipped=files,
            rejected=done.notes,
        )


def _number(name: str, key: PseudonymKey) -> str:
    return f"fi-{key.digest('file', name)[:12]}"


def _write_skipped(path: Path, index: Index, key: PseudonymKey) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        for item in index.skipped:
            line = {"file": _number(item.source.name, key), "reason": item.reason, "path": item.source.name}
            file.write(json.dumps(line) + "\n")
