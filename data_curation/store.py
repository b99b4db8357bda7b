"""The store on disk. Everything appears at once or not at all: written beside, then renamed.

```
STORE/manifest.jsonl               one line a study, sorted by pseudonym
STORE/labels.jsonl                 labels that came with imported studies (`labels.LabelledStudy`)
STORE/studies/<study>/<plane>/     slices
STORE/.curation/store.json         which key and site the store belongs to
STORE/.curation/splits.json        each patient's split, never changed
STORE/.curation/records/<study>.json   what was made of each study, and of which source
STORE/.curation/work/              unfinished; emptied at every start
```
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from data_curation.splits import Placed
from data_curation.studies import CuratedStudy, SeriesNote
from domain.errors import DiscLoopError
from domain.manifest import Study
from domain.taxonomy import Split

FREE_BYTES = 1 << 30
"""Kept free on the store's disk: the readings of the same machine must find room."""


class Record(BaseModel):
    """What was made of one study."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    site: str
    external: bool
    fingerprint: str
    """Keyed hash of the source's identifiers, sizes and times, and of the policy: notices a change."""
    curated: CuratedStudy | None
    reason: str | None
    notes: tuple[SeriesNote, ...]


class Store:
    """A store that this process alone may write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._state = root / ".curation"
        self.work = self._state / "work"

    @classmethod
    @contextlib.contextmanager
    def opened(cls, root: Path, key_fingerprint: str) -> Iterator[Self]:
        """Open a store for writing, made if absent.

        Raises:
            DiscLoopError: If it is in use, or belongs to another key.
        """
        if root.exists() and not root.is_dir():
            raise DiscLoopError(f"{root}: expected a folder for the store")
        if root.exists() and any(root.iterdir()) and not (root / ".curation").is_dir():
            raise DiscLoopError(f"{root}: expected a store or an empty folder, found something else in it")
        store = cls(root)
        store._state.mkdir(parents=True, exist_ok=True)
        with (store._state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise DiscLoopError(f"{root}: another curation is writing to this store") from error
            store._check_key(key_fingerprint)
            shutil.rmtree(store.work, ignore_errors=True)
            for part in (store.work, store._state / "records", store._state / "labels", root / "studies"):
                part.mkdir(exist_ok=True)
            yield store
            shutil.rmtree(store.work, ignore_errors=True)

    def _check_key(self, fingerprint: str) -> None:
        path = self._state / "store.json"
        if path.exists():
            held = json.loads(path.read_bytes())["key"]
            if held != fingerprint:
                raise DiscLoopError(
                    f"{self.root}: made with key {held}, got key {fingerprint}; another key would list every "
                    "patient twice (docs/decisions/0101-pseudonyms.md says how to change a key)"
                )
        else:
            write_text(path, json.dumps({"schema": 1, "key": fingerprint}) + "\n")

    def record(self, study: str) -> Record | None:
        """What was made of a study before, or None."""
        try:
            return Record.model_validate_json((self._state / "records" / f"{study}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def records(self) -> Iterator[Record]:
        """All records, by study."""
        for path in sorted((self._state / "records").glob("*.json")):
            record = self.record(path.stem)
            if record is not None:
                yield record

    def keep(self, record: Record, folder: Path | None, labels: BaseModel | None = None) -> None:
        """Put a study's files in their place, then its labels and its record: a kill between leaves it to be
        made again.

        Raises:
            DiscLoopError: If the disk is nearly full; what was kept stays, and a second run goes on.
        """
        if folder is not None:
            self._require_room()
        home = self.root / "studies" / record.study
        note = self._state / "records" / f"{record.study}.json"
        note.unlink(missing_ok=True)
        if home.exists():
            os.replace(home, self.work / f"old-{record.study}")
        if folder is not None and record.curated is not None:
            os.replace(folder, home)
        if labels is not None:
            write_text(self._state / "labels" / f"{record.study}.json", labels.model_dump_json() + "\n")
        write_text(note, record.model_dump_json() + "\n")
        shutil.rmtree(self.work / f"old-{record.study}", ignore_errors=True)

    def _require_room(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < FREE_BYTES:
            raise DiscLoopError(
                f"{self.root}: {free / (1 << 30):.1f} GiB of disk are free, {FREE_BYTES >> 30} are kept for "
                "readings: make room, then run it again; what is done is kept"
            )

    def read_splits(self) -> dict[str, Placed]:
        """Each patient's split."""
        path = self._state / "splits.json"
        if not path.exists():
            return {}
        table = json.loads(path.read_bytes())
        return {p: Placed(Split(v["split"]), v["stratum"], v["enrichment"]) for p, v in table.items()}

    def write_splits(self, placed: dict[str, Placed]) -> None:
        """Keep the decisions."""
        table = {
            patient: {"split": p.split.value, "stratum": p.stratum, "enrichment": p.enrichment}
            for patient, p in sorted(placed.items())
        }
        write_text(self._state / "splits.json", json.dumps(table, indent=1) + "\n")

    def write_manifest(self, studies: Iterator[Study]) -> int:
        """Write `manifest.jsonl`; returns the number of lines."""
        unfinished = self.work / "manifest.jsonl"
        count = 0
        with unfinished.open("w", encoding="utf-8") as file:
            for study in studies:
                file.write(study.model_dump_json() + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, self.root / "manifest.jsonl")
        return count

    def read_manifest(self) -> Iterator[Study]:
        """The studies of `manifest.jsonl`."""
        return read_studies(self.root)

    def gather_labels(self, studies: Iterable[str]) -> None:
        """Write `labels.jsonl` of the labels that came with the studies, where any did."""
        parts = [self._state / "labels" / f"{study}.json" for study in studies]
        labelled = [path.read_text("utf-8") for path in parts if path.exists()]
        if labelled:
            write_text(self.root / "labels.jsonl", "".join(labelled))

    def write_pages(self, parts: Iterator[str]) -> None:
        """Write `contact-sheet.html`."""
        unfinished = self.work / "contact-sheet.html"
        with unfinished.open("w", encoding="utf-8") as file:
            file.writelines(parts)
        os.replace(unfinished, self.root / "contact-sheet.html")


def write_text(path: Path, text: str) -> None:
    """Write a small file so that it is either the old or the new one, never half of it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def read_studies(root: Path) -> Iterator[Study]:
    """The studies of a store's `manifest.jsonl`.

    Raises:
        DiscLoopError: If it is absent, or a line is not a study.
    """
    path = root / "manifest.jsonl"
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield Study.model_validate_json(line)
                except ValidationError as error:
                    first = error.errors()[0]
                    field = ".".join(str(part) for part in first["loc"])
                    raise DiscLoopError(f"{path}, line {number}: {field}: {first['msg']}") from error
    except OSError as error:
        raise DiscLoopError(f"{path}: expected a store's manifest, got {error.strerror}") from error
